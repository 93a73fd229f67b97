"""Hamming distance by popcount, of eight codes (lanes) and one query at once in a vector register.

Loops written in Python are vectorised by LLVM only in part, and popcounts in loops that append keys not at all: they
run at a quarter of this speed. So the vectors are written in LLVM IR: loads of eight words, ``llvm.ctpop``
and comparisons. They become one ``vpopcntq`` per eight words where the processor has it, and byte shuffles where it has
only AVX2 or NEON (Muła, Kurz & Lemire 2018, "Faster population counts using AVX2 instructions").

Codes and queries are columns, ``row`` and ``query`` the first to compare. The number of words is known at compile time.
Indexes are not checked: rows and queries must exist.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

import llvmlite.binding
import numpy as np
from llvmlite import ir
from numba import config, types
from numba.core import cgutils
from numba.extending import intrinsic

LANES: Final = 8
TILE_QUERIES: Final = 4
TILE_ROWS: Final = 64

as_int: Any = np.int64
"""Conversion of unsigned numbers in kernels: a sum of uint64 and int64 would be a float."""

_I1, _I8, _I64 = ir.IntType(1), ir.IntType(8), ir.IntType(64)
_VECTOR = ir.VectorType(_I64, LANES)


def _has_vectors() -> bool:
    """Whether vectors are faster: without AVX2 or NEON the scalar popcount instruction wins."""
    features = config.CPU_FEATURES
    if features is None:
        features = llvmlite.binding.get_host_cpu_features().flatten()
    return bool({"+avx2", "+neon"} & set(features.split(",")))


VECTORS: Final = _has_vectors()


@intrinsic
def distance(typingctx: Any, columns: Any, row: Any, queries: Any, query: Any) -> Any:
    """Return the Hamming distance in bits between the code in ``row`` and ``query``."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        codes = [builder.load(p) for p in _pointers(context, builder, signature.args[0], args[0], args[1])]
        queries_ = [builder.load(p) for p in _pointers(context, builder, signature.args[2], args[2], args[3])]
        return _distance(builder, codes, queries_)

    return types.int64(columns, types.int64, queries, types.int64), generate


@intrinsic
def rows_within(typingctx: Any, columns: Any, row: Any, queries: Any, query: Any, limit: Any) -> Any:
    """Return a mask of eight rows: bit ``i`` is set if the code in row ``row + i`` is within ``limit`` of ``query``."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        codes = _lanes(builder, _pointers(context, builder, signature.args[0], args[0], args[1]))
        query_ = _splats(builder, _pointers(context, builder, signature.args[2], args[2], args[3]))
        limit_ = _splat(builder, args[4])
        return builder.zext(_mask(builder, _distance(builder, codes, query_), limit_), _I64)

    return types.int64(columns, types.int64, queries, types.int64, types.int64), generate


def _tile(queries_at_once: int, doc: str) -> Any:
    """Return an intrinsic that compares 64 codes with some queries; ``limits`` is an array, or one limit for all.

    Only the smallest of eight distances is compared with the limit, which saves a third of the work.
    """

    def tile(typingctx: Any, columns: Any, row: Any, queries: Any, query: Any, limits: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            codes_of, queries_of = (partial(_pointers, context, builder, signature.args[i], args[i]) for i in (0, 2))
            picked = [builder.add(args[3], _I64(i)) for i in range(queries_at_once)]
            splats = [_splats(builder, queries_of(query)) for query in picked]
            nearest = [_VECTOR([64 * signature.args[0].count] * LANES)] * queries_at_once
            for step in range(0, TILE_ROWS, LANES):
                codes = _lanes(builder, codes_of(builder.add(args[1], _I64(step))))
                distances = [_distance(builder, codes, splat) for splat in splats]
                nearest = [_minimum(builder, *pair) for pair in zip(nearest, distances, strict=True)]
            near = _I64(0)
            for i, query in enumerate(picked):
                limit = args[4]
                if isinstance(signature.args[4], types.Array):
                    limit = builder.load(_pointer(context, builder, signature.args[4], limit, query))
                limit = _splat(builder, limit)
                is_near = builder.icmp_unsigned("!=", _mask(builder, nearest[i], limit), _I8(0))
                near = builder.or_(near, builder.shl(builder.zext(is_near, _I64), _I64(i)))
            return near

        limits = limits if isinstance(limits, types.Array) else types.int64
        return types.int64(columns, types.int64, queries, types.int64, limits), generate

    tile.__doc__ = doc
    return intrinsic(tile)


query_within = _tile(1, "1 if any of 64 codes lies within the limit of a query, else 0.")
queries_within = _tile(
    TILE_QUERIES,
    "Bit ``i`` is set if any of 64 codes lies within ``limits[query + i]`` of query ``query + i``, of four.",
)


@intrinsic
def lowest_bit(typingctx: Any, mask: Any) -> Any:
    """Return the position of the lowest set bit of ``mask``, which must not be 0."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.cttz(args[0], _I1(1))

    return types.int64(types.int64), generate


@intrinsic
def popcount(typingctx: Any, value: Any) -> Any:
    """Return the number of set bits of a 64-bit value."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _call(builder, "llvm.ctpop.i64", args[0])

    return types.int64(types.int64), generate


@intrinsic
def prefetch(typingctx: Any, columns: Any, row: Any) -> Any:
    """Prefetch the cache lines of a code."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        i32 = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [_I8.as_pointer(), i32, i32, i32])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        for pointer in _pointers(context, builder, signature.args[0], args[0], args[1]):
            builder.call(function, [builder.bitcast(pointer, _I8.as_pointer()), i32(0), i32(3), i32(1)])
        return context.get_dummy_value()

    return types.none(columns, types.int64), generate


def _pointer(context: Any, builder: Any, kind: Any, array: Any, index: Any) -> Any:
    """Return the address of one element of a contiguous array."""
    return builder.gep(context.make_array(kind)(context, builder, array).data, [index])


def _pointers(context: Any, builder: Any, kind: Any, columns: Any, index: Any) -> list[Any]:
    """Return the address of one element of each column."""
    arrays = (builder.extract_value(columns, word) for word in range(kind.count))
    return [_pointer(context, builder, kind.dtype, array, index) for array in arrays]


def _lanes(builder: Any, pointers: list[Any]) -> list[Any]:
    """Load eight codes from each address; columns are aligned to words, not to vectors."""
    loads = [builder.load(builder.bitcast(pointer, _VECTOR.as_pointer())) for pointer in pointers]
    for load in loads:
        load.align = 8
    return loads


def _splats(builder: Any, pointers: list[Any]) -> list[Any]:
    """Load one code from each address into all lanes."""
    return [_splat(builder, builder.load(pointer)) for pointer in pointers]


def _splat(builder: Any, value: Any) -> Any:
    """Copy one value to all lanes."""
    nothing = ir.Constant(_VECTOR, ir.Undefined)
    single = builder.insert_element(nothing, value, _I64(0))
    return builder.shuffle_vector(single, nothing, ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES))


def _distance(builder: Any, codes: list[Any], queries: list[Any]) -> Any:
    """Return the number of differing bits, summed over the words, of scalars or of vectors."""
    total = None
    for code, query in zip(codes, queries, strict=True):
        name = "llvm.ctpop.v8i64" if code.type == _VECTOR else "llvm.ctpop.i64"
        bits = _call(builder, name, builder.xor(code, query))
        total = bits if total is None else builder.add(total, bits)
    return total


def _minimum(builder: Any, left: Any, right: Any) -> Any:
    """Return the smaller distance of each lane."""
    return _call(builder, "llvm.umin.v8i64", left, right)


def _call(builder: Any, name: str, *args: Any) -> Any:
    """Call an LLVM intrinsic whose operands and result are of one type."""
    signature = ir.FunctionType(args[0].type, [arg.type for arg in args])
    return builder.call(cgutils.get_or_insert_function(builder.module, signature, name), args)


def _mask(builder: Any, distances: Any, limits: Any) -> Any:
    """Return one bit per lane: distance within its limit. Signed, because -1 accepts nothing."""
    return builder.bitcast(builder.icmp_signed("<=", distances, limits), _I8)
