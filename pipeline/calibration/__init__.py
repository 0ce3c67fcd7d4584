"""From scores to probabilities: records of what scores came to, fitted on the past and judged on what followed."""
