"""The one engine: a cell of a grid is MONAI's workflow over ``train.json`` and overlays; a pool and a results file."""
