"""Imports everything a worker needs, before it locks itself out of the file system."""


def load_libraries() -> None:
    """Import decoders and readers, and keep them to one thread each."""
    import cv2
    from PIL import Image, JpegImagePlugin, PngImagePlugin, TiffImagePlugin

    from intake import answers, barcodes, einvoice, page, pages_image, pages_pdf, pages_xml, stack_cutting

    loaded = (
        answers,
        barcodes,
        einvoice,
        page,
        pages_image,
        pages_pdf,
        pages_xml,
        stack_cutting,
        JpegImagePlugin,
        PngImagePlugin,
        TiffImagePlugin,
    )
    assert all(loaded)
    Image.preinit()
    cv2.setNumThreads(1)
