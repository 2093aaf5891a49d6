"""The page in the browser, `mmqanet ui`."""
