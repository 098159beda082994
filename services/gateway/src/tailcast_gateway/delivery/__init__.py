"""Who gets which bytes when: clients that are live, that are behind, that wait."""
