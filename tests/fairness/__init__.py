"""No tenant keeps the others waiting, and what is urgent comes first."""
