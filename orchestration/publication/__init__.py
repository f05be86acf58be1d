"""The published file: judged, written, compared and named."""
