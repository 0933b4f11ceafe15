"""The invoice in an XML file or inside a PDF: parsed without entities, network or document types; in a worker.

It ends in an `EInvoice`: what the XML states, word for word, and what is wrong with it. Nothing is refused here:
an invoice that cannot be read is kept, and the reason is for a person.
"""

import re
from typing import TYPE_CHECKING

from lxml import etree

from intake.einvoice_checks import find_problems
from intake.einvoice_fields import Values, is_invoice, read_values
from poststelle.records import EInvoice

if TYPE_CHECKING:
    import mmap

    import pypdfium2

MAX_XML_BYTES = 32 * 1024 * 1024
MAX_ATTACHMENTS = 100
_NAMES = frozenset(("factur-x.xml", "zugferd-invoice.xml", "xrechnung.xml"))
"""Names under which the standards embed an invoice (ZUGFeRD 1 writes its own in capitals)."""
_DECLARED = re.compile(
    rb"urn:(?:ferd|factur-x|zugferd):(?:pdfa|CrossIndustryDocument)[\w:.-]*|urn:ferd:pdfa:invoice:rc", re.IGNORECASE
)
_PDF_CLAIM = re.compile(rb"urn:(?:ferd|factur-x|zugferd):pdfa:", re.IGNORECASE)
_DOCUMENT_TYPE = tuple("<!DOCTYPE".encode(code) for code in ("utf-8", "utf-16-le", "utf-16-be"))

NOT_WELL_FORMED = "The XML is damaged and was not read (line {line}). Ask the sender for the invoice again."
DOCUMENT_TYPE = "The XML declares a document type, which invoices may not; it was not read."
TOO_LARGE = "The XML is larger than an invoice may be; it was not read."
NO_INVOICE = "The XML file is no invoice that can be read (neither ZUGFeRD, Factur-X nor XRechnung)."
CLAIMED_NOT_CARRIED = "The PDF says that it carries an invoice as XML, but no such XML is attached."
NOT_DECLARED = "The PDF carries an invoice as XML, but does not declare it as the standard demands."
SEVERAL = "The PDF carries more than one invoice as XML; only the first was read."
NOT_READ = "Files attached to the PDF were not read; open the original to see them."


class _Unreadable(Exception):
    """This XML is not looked into; the message is for the clerk."""


def parse(data: bytes) -> etree._Element:
    """The root element of hostile XML.

    Raises:
        _Unreadable: too large, with a document type, or not well-formed.
    """
    if len(data) > MAX_XML_BYTES:
        raise _Unreadable(TOO_LARGE)
    # Entities are declared in a document type: without one there is nothing to expand and nothing to fetch.
    if any(mark in data for mark in _DOCUMENT_TYPE):
        raise _Unreadable(DOCUMENT_TYPE)
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as err:
        raise _Unreadable(NOT_WELL_FORMED.format(line=err.lineno or 1)) from err
    except (ValueError, LookupError) as err:
        raise _Unreadable(NOT_WELL_FORMED.format(line=1)) from err
    if root.getroottree().docinfo.internalDTD is not None:
        raise _Unreadable(DOCUMENT_TYPE)
    return root


def read_xml(data: bytes) -> tuple[EInvoice, etree._Element | None]:
    """What an XML file states, and its root for showing it; None where it could not be parsed."""
    try:
        root = parse(data)
    except _Unreadable as err:
        return EInvoice(problems=(str(err),)), None
    if not is_invoice(root):
        return EInvoice(problems=(NO_INVOICE,)), root
    return _einvoice(read_values(root), embedded=False), root


def read_embedded(pdf: "pypdfium2.PdfDocument", data: "mmap.mmap | bytes") -> EInvoice | None:
    """The invoice that a PDF carries, or None if it carries no attachment and claims none."""
    claimed = _PDF_CLAIM.search(data) is not None
    count = min(pdf.count_attachments(), MAX_ATTACHMENTS)
    if not count:
        return EInvoice(problems=(CLAIMED_NOT_CARRIED,)) if claimed else None
    found: list[EInvoice] = []
    unread = 0
    for index in range(count):
        attachment = pdf.get_attachment(index)
        name = attachment.get_name().lower()
        if not name.endswith(".xml"):
            unread += 1
            continue
        try:
            root = parse(bytes(attachment.get_data()))
        except _Unreadable as err:
            found += [EInvoice(problems=(str(err),), embedded=True)] if name in _NAMES else []
            continue
        if is_invoice(root):
            found.append(_einvoice(read_values(root), embedded=True))
        elif name in _NAMES:
            found.append(EInvoice(problems=(NO_INVOICE,), embedded=True))
    if not found:
        problems = ((CLAIMED_NOT_CARRIED,) if claimed else ()) + ((NOT_READ,) if unread else ())
        return EInvoice(problems=problems) if problems else None
    # A readable one first: the standards allow one, and a broken one beside it must not hide it.
    best = max(found, key=lambda invoice: bool(invoice.fields))
    problems = best.problems
    problems += (SEVERAL,) if len(found) > 1 else ()
    problems += () if claimed or _declares(data) else (NOT_DECLARED,)
    return EInvoice(
        form=best.form, profile=best.profile, kind=best.kind, fields=best.fields, problems=problems, embedded=True
    )


def _declares(data: "mmap.mmap | bytes") -> bool:
    """Whether the PDF's own description, which may be compressed, names profile and standard."""
    import io

    import pikepdf

    try:
        with pikepdf.open(io.BytesIO(data)) as pdf:
            metadata = pdf.Root.get("/Metadata")
            described = metadata.read_bytes() if isinstance(metadata, pikepdf.Stream) else b""
    except (pikepdf.PdfError, ValueError, OSError, AttributeError, RuntimeError):
        return False
    return _DECLARED.search(described) is not None


def _einvoice(values: Values, *, embedded: bool) -> EInvoice:
    return EInvoice(
        form=values.form,
        profile=values.profile,
        kind=values.kind,
        fields=values.fields,
        problems=find_problems(values),
        embedded=embedded,
    )
