"""The first page: what needs somebody, how today goes, and how gateways, agents' cash and the machine are."""
