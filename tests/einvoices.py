"""Electronic invoices for tests, small and invented, in the languages that senders use."""

from io import BytesIO

import pikepdf

CII = """<?xml version="1.0" encoding="UTF-8"?>
<rsm:CrossIndustryInvoice xmlns:rsm="urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100"
 xmlns:ram="urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100"
 xmlns:udt="urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100">
<rsm:ExchangedDocumentContext><ram:GuidelineSpecifiedDocumentContextParameter>
 <ram:ID>urn:cen.eu:en16931:2017</ram:ID>
</ram:GuidelineSpecifiedDocumentContextParameter></rsm:ExchangedDocumentContext>
<rsm:ExchangedDocument><ram:ID>HB-2026-118</ram:ID><ram:TypeCode>380</ram:TypeCode>
 <ram:IssueDateTime><udt:DateTimeString format="102">20260305</udt:DateTimeString></ram:IssueDateTime>
</rsm:ExchangedDocument>
<rsm:SupplyChainTradeTransaction>
 <ram:IncludedSupplyChainTradeLineItem>
  <ram:SpecifiedTradeProduct><ram:Name>Hobelbank Buche</ram:Name></ram:SpecifiedTradeProduct>
  <ram:SpecifiedLineTradeDelivery><ram:BilledQuantity>2</ram:BilledQuantity></ram:SpecifiedLineTradeDelivery>
  <ram:SpecifiedLineTradeSettlement><ram:SpecifiedTradeSettlementLineMonetarySummation>
   <ram:LineTotalAmount>1200.00</ram:LineTotalAmount>
  </ram:SpecifiedTradeSettlementLineMonetarySummation></ram:SpecifiedLineTradeSettlement>
 </ram:IncludedSupplyChainTradeLineItem>
 <ram:ApplicableHeaderTradeAgreement>
  <ram:SellerTradeParty><ram:Name>Drechslerei Quast KG</ram:Name>
   <ram:SpecifiedTaxRegistration><ram:ID schemeID="FC">12/345</ram:ID></ram:SpecifiedTaxRegistration>
   <ram:SpecifiedTaxRegistration><ram:ID schemeID="VA">DE136695976</ram:ID></ram:SpecifiedTaxRegistration>
  </ram:SellerTradeParty>
  <ram:BuyerTradeParty><ram:Name>Musterbetrieb GmbH</ram:Name></ram:BuyerTradeParty>
 </ram:ApplicableHeaderTradeAgreement>
 <ram:ApplicableHeaderTradeSettlement>
  <ram:InvoiceCurrencyCode>EUR</ram:InvoiceCurrencyCode>
  <ram:SpecifiedTradeSettlementPaymentMeans><ram:PayeePartyCreditorFinancialAccount>
   <ram:IBANID>DE89 3704 0044 0532 0130 00</ram:IBANID>
  </ram:PayeePartyCreditorFinancialAccount></ram:SpecifiedTradeSettlementPaymentMeans>
  <ram:SpecifiedTradePaymentTerms>
   <ram:DueDateDateTime><udt:DateTimeString format="102">20260404</udt:DateTimeString></ram:DueDateDateTime>
  </ram:SpecifiedTradePaymentTerms>
  <ram:SpecifiedTradeSettlementHeaderMonetarySummation>
   <ram:TaxBasisTotalAmount>1200.00</ram:TaxBasisTotalAmount>
   <ram:TaxTotalAmount currencyID="EUR">228.00</ram:TaxTotalAmount>
   <ram:GrandTotalAmount>1428.00</ram:GrandTotalAmount>
   <ram:TotalPrepaidAmount>28.00</ram:TotalPrepaidAmount>
   <ram:DuePayableAmount>1400.00</ram:DuePayableAmount>
  </ram:SpecifiedTradeSettlementHeaderMonetarySummation>
 </ram:ApplicableHeaderTradeSettlement>
</rsm:SupplyChainTradeTransaction>
</rsm:CrossIndustryInvoice>
"""
FACTS = {
    "sender": "Drechslerei Quast KG",
    "date": "2026-03-05",
    "reference": "HB-2026-118",
    "amount": "1428.00",
    "currency": "EUR",
    "due_date": "2026-04-04",
    "iban": "DE89370400440532013000",
    "net_amount": "1200.00",
    "tax_amount": "228.00",
    "amount_due": "1400.00",
    "vat_id": "DE136695976",
    "tax_number": "12/345",
    "recipient": "Musterbetrieb GmbH",
}
"""What CII, UBL and ZUGFERD_1 state."""

UBL = """<?xml version="1.0" encoding="UTF-8"?>
<ubl:Invoice xmlns:ubl="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"
 xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
 xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2">
<cbc:CustomizationID>urn:cen.eu:en16931:2017#compliant#urn:xeinkauf.de:kosit:xrechnung_3.0</cbc:CustomizationID>
<cbc:ID>HB-2026-118</cbc:ID><cbc:IssueDate>2026-03-05</cbc:IssueDate><cbc:DueDate>2026-04-04</cbc:DueDate>
<cbc:InvoiceTypeCode>380</cbc:InvoiceTypeCode><cbc:DocumentCurrencyCode>EUR</cbc:DocumentCurrencyCode>
<cac:AccountingSupplierParty><cac:Party>
 <cac:PartyTaxScheme><cbc:CompanyID>12/345</cbc:CompanyID><cac:TaxScheme><cbc:ID>FC</cbc:ID></cac:TaxScheme>
 </cac:PartyTaxScheme>
 <cac:PartyTaxScheme><cbc:CompanyID>DE136695976</cbc:CompanyID><cac:TaxScheme><cbc:ID>VAT</cbc:ID></cac:TaxScheme>
 </cac:PartyTaxScheme>
 <cac:PartyLegalEntity><cbc:RegistrationName>Drechslerei Quast KG</cbc:RegistrationName></cac:PartyLegalEntity>
</cac:Party></cac:AccountingSupplierParty>
<cac:AccountingCustomerParty><cac:Party>
 <cac:PartyLegalEntity><cbc:RegistrationName>Musterbetrieb GmbH</cbc:RegistrationName></cac:PartyLegalEntity>
</cac:Party></cac:AccountingCustomerParty>
<cac:PaymentMeans><cac:PayeeFinancialAccount><cbc:ID>DE89370400440532013000</cbc:ID></cac:PayeeFinancialAccount>
</cac:PaymentMeans>
<cac:TaxTotal><cbc:TaxAmount currencyID="EUR">228.00</cbc:TaxAmount></cac:TaxTotal>
<cac:LegalMonetaryTotal>
 <cbc:TaxExclusiveAmount currencyID="EUR">1200.00</cbc:TaxExclusiveAmount>
 <cbc:TaxInclusiveAmount currencyID="EUR">1428.00</cbc:TaxInclusiveAmount>
 <cbc:PrepaidAmount currencyID="EUR">28.00</cbc:PrepaidAmount>
 <cbc:PayableAmount currencyID="EUR">1400.00</cbc:PayableAmount>
</cac:LegalMonetaryTotal>
<cac:InvoiceLine><cbc:InvoicedQuantity>2</cbc:InvoicedQuantity>
 <cbc:LineExtensionAmount currencyID="EUR">1200.00</cbc:LineExtensionAmount>
 <cac:Item><cbc:Name>Hobelbank Buche</cbc:Name></cac:Item>
</cac:InvoiceLine>
</ubl:Invoice>
"""
ZUGFERD_1 = (
    CII.replace("CrossIndustryInvoice", "CrossIndustryDocument")
    .replace("urn:cen.eu:en16931:2017", "urn:ferd:CrossIndustryDocument:invoice:1p0:comfort")
    .replace("rsm:ExchangedDocumentContext", "rsm:SpecifiedExchangedDocumentContext")
    .replace("rsm:ExchangedDocument>", "rsm:HeaderExchangedDocument>")
    .replace("rsm:SupplyChainTradeTransaction", "rsm:SpecifiedSupplyChainTradeTransaction")
    .replace("ApplicableHeaderTrade", "ApplicableSupplyChainTrade")
    .replace("TradeSettlementHeaderMonetary", "TradeSettlementMonetary")
)

PAGE = """Drechslerei Quast KG
Rechnung HB-2026-118 vom 05.03.2026
Hobelbank Buche 2 1.200,00
Umsatzsteuer 228,00
Rechnungsbetrag 1.428,00 EUR
IBAN DE89 3704 0044 0532 0130 00"""
_CLAIM = b"<x:xmpmeta><fx urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#/></x:xmpmeta>"


def hybrid(xml: str | None, page: str = PAGE, *, name: str = "factur-x.xml", claims: bool = True) -> bytes:
    """A PDF with this text on its page, and the XML attached to it."""
    with pikepdf.new() as pdf:
        lines = page.encode("latin-1").replace(b"(", b"\\(").replace(b")", b"\\)").splitlines()
        shown = b" ".join(b"(" + line + b") Tj 0 -20 Td" for line in lines)
        font = pikepdf.Dictionary(
            Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica,
            Encoding=pikepdf.Name.WinAnsiEncoding,
        )  # fmt: skip
        pdf.add_blank_page(page_size=(595, 842))
        pdf.pages[0].Resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(F1=font))
        pdf.pages[0].Contents = pdf.make_stream(b"BT /F1 11 Tf 70 760 Td " + shown + b" ET")
        if claims:
            pdf.Root.Metadata = pdf.make_stream(_CLAIM, Type=pikepdf.Name.Metadata, Subtype=pikepdf.Name.XML)
        if xml is not None:
            pdf.attachments[name] = xml.encode()
        out = BytesIO()
        pdf.save(out, compress_streams=False, fix_metadata_version=False)
        return out.getvalue()
