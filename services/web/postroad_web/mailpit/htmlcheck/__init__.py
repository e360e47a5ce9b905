"""How well mail programs support the HTML and CSS of a message, by the data of caniemail.com."""
