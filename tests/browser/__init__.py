"""The page in a browser, over all of `tailcast up`: what a person sees and does."""
