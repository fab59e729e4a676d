"""The first page: what needs somebody, and how things are today."""
