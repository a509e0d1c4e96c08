"""What is shared over Redis or Valkey where there is one. Scripts stand in *.lua files beside the Python that calls them."""
