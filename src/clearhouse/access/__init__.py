"""Who may call clearhouse: API keys with scopes, shown once and stored as a peppered HMAC."""
