SELECT {{ city }}, :town
