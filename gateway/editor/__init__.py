"""What editors ask about policies, over the Language Server Protocol: `sallyport lsp`."""
