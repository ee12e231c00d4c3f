"""Make the requests of an examination, valid ones and wrong ones, and sign them."""
