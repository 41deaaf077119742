"""What is deployed: the chart, the manifests rendered from it, and the image."""
