def write(path: str) -> None:
    with open(path, "a") as file:
        file.write("/Volumes/c/s/v")
