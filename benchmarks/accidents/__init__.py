"""Accidents to files, played to others who follow files too."""
