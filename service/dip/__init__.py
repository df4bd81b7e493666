"""DIP over HTTP and on the command line: cases in, documents out; the flow and the core do the work."""
