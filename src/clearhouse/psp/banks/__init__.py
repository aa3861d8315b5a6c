"""What rails by bank file share: folders, documents, and the banks' own numbers."""
