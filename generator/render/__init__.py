"""Write the files of the client, and check them before they are used."""
