"""What changed since the last accepted night, counted by SQL in the build file: small frames that `quality.night` judges."""
