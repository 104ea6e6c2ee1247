"""The command line, a thin layer over the package."""
import sys
def main():
    from zoo.training.run import train
    train(sys.argv[2])
