"""Evidence (证据链): the hash chain over what was recorded, its proof, and receipts."""
