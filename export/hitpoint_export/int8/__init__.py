"""Static int8: the large products of a graph with weights and inputs of 8 bits, checked before they ship."""
