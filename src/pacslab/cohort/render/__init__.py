"""From a plan to pixels: images, scanned pages, burned-in text and portraits."""
