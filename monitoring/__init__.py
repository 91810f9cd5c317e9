"""What every process shows of itself: metrics, logs, health. It knows nothing of the rest of the product."""
