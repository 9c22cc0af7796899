"""Where pull requests are opened: GitHub, GitLab, or a command of the user's. One adapter a file; each only plans what
to call and reads what came back, and `apply` calls it."""
