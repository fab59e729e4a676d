"""Help: the documents of this project, for whoever has the server and no repository."""
