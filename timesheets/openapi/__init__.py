"""The API's description in OpenAPI 3.1, and the page that shows it."""
