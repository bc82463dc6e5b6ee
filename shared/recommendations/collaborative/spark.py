"""Factorises by Spark MLlib: a program of one file, for a Dataproc Serverless batch or `local[2]`.

    spark-submit spark.py --input gs://…/interactions --output gs://…/factors --dimensions 128 …

Reads Parquet with `user` and `item` (int32 numbers) and `confidence` (float, > 0). Writes Parquet
`users` and `items` below the output, each with `id` and `features` (array of float), in place of
what is there: run again, it ends the same. Imports nothing of ours, as a batch is given this file
alone; `spark_batch` says how its parameters follow from ours.

MLlib's loss, by its source (org.apache.spark.ml.recommendation.ALS, implicitPrefs): with
c = 1 + alpha * confidence over the observed and 1 over the rest, c (p - x.y)^2 summed over all
pairs, + regularization * n |x|^2 for every vector, n counting what it was observed with.
"""

from __future__ import annotations

import argparse


def main() -> None:
    """Factorises what is in the input."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--input", required=True, help="Parquet of user, item, confidence")
    parser.add_argument("--output", required=True, help="folder for `users` and `items`")
    parser.add_argument("--dimensions", type=int, default=128)
    parser.add_argument("--iterations", type=int, default=16)
    parser.add_argument("--alpha", type=float, required=True)
    parser.add_argument("--regularization", type=float, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--blocks", type=int, default=10, help="parts of users and of items")
    parser.add_argument("--master", help="local[2], say; a batch has one of its own")
    arguments = parser.parse_args()

    from pyspark.ml.recommendation import ALS  # which our own environment does not have
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.appName("factorise")
    if arguments.master:
        builder = builder.master(arguments.master)
    spark = builder.getOrCreate()
    try:
        interactions = spark.read.parquet(arguments.input)
        model = ALS(
            userCol="user",
            itemCol="item",
            ratingCol="confidence",
            implicitPrefs=True,
            rank=arguments.dimensions,
            maxIter=arguments.iterations,
            alpha=arguments.alpha,
            regParam=arguments.regularization,
            seed=arguments.seed,
            numUserBlocks=arguments.blocks,
            numItemBlocks=arguments.blocks,
        ).fit(interactions)
        for name, factors in (("users", model.userFactors), ("items", model.itemFactors)):
            factors.write.mode("overwrite").parquet(f"{arguments.output.rstrip('/')}/{name}")
    finally:
        spark.stop()


if __name__ == "__main__":
    main()
