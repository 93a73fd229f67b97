"""``python -m bench`` lists the benchmarks, ``python -m bench NAME [--options]`` runs one."""

from __future__ import annotations

import importlib
import sys

# name → (module with ``main(argv)``, what it measures); only the module that runs is imported
BENCHMARKS: dict[str, tuple[str, str]] = {
    "calibrate": ("bench.calibrate", "whether calibrated radii keep the rate of false pairs"),
    "catalogue": ("bench.catalogue", "status, find and dedupe on up to a million photos: time and memory"),
    "content_class": ("bench.content_class", "documents, drawings and screenshots told from photos, and the weights"),
    "dedupe": ("bench.dedupe", "all groups of a catalogue, whole process, time and peak memory"),
    "crossover": ("bench.crossover", "which kind of index is fastest for which codes and radii"),
    "find": ("bench.find", "one look-up from the command line, whole process"),
    "hash": ("bench.hash", "from file to codes, compared with a bare decode and other libraries, in six formats"),
    "imagehash": ("bench.imagehash_scheme", "the four imagehash codes, compared with the library itself"),
    "join": ("bench.join", "all close pairs of one collection, compared with faiss and imagededup"),
    "kills": ("bench.kills", "files lost when apply and undo are killed, and when several plans run at once"),
    "landmark": ("bench.landmark", "100,000 queries against a million codes, written as a submission"),
    "life": ("bench.life", "building a multi-index, its memory, adding codes to it"),
    "plot": ("bench.plot", "a chart of the JSON results of search: time against the number of codes"),
    "scan": ("bench.scan", "folders into a catalogue: files a second by workers, writing, files not cached, memory"),
    "quality": ("bench.quality", "near-duplicates found at a known rate of false pairs, compared with other hashes"),
    "retrieval": ("bench.retrieval", "codes first, then a network: mAP@100 and times, compared with the network alone"),
    "search": ("bench.search", "range and nearest queries, compared with faiss, usearch, pybktree and imagededup"),
    "views": ("bench.views", "padded and cropped copies found, compared with imagehash, and the cost of crops"),
    "verify": ("bench.verify", "verification: what it adds and drops, false accepts, and its time"),
}


def main(argv: list[str]) -> int:
    """Run the benchmark that ``argv`` names, or list all; return the exit code."""
    if not argv or argv[0] in ("-h", "--help"):
        print(listing())
        return 0
    name, *options = argv
    if name not in BENCHMARKS:
        print(f"no benchmark {name!r}; there are:\n{listing()}", file=sys.stderr)
        return 2
    importlib.import_module(BENCHMARKS[name][0]).main(options)
    return 0


def listing() -> str:
    """Return one line per benchmark."""
    return "\n".join(f"{name:14} {summary}" for name, (_, summary) in sorted(BENCHMARKS.items()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
