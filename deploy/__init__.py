"""How visrec is shipped: images (Dockerfile), Kubernetes (k8s/), load configurations (ghz/) and their checks."""
