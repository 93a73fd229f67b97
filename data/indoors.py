"""Scenes of people, things and paper, each composed unlike all others."""

from canvas import Canvas, plane, scene


@scene(480, 360)
def still_life(c: Canvas) -> None:
    """Paint a bottle, a bowl of apples and a pear on a table, lit from the left."""
    c.box(0, 0, 1, 0.66, "#3c4038", "#5a5240", 0.35)
    c.box(0, 0.64, 1, 1, "#9a6a3c", "#5c3820", 0.35)
    c.glow(0.0, 0.3, 0.9, "#a08050", 0.6)
    neck = [(0.7, 0.32), (0.74, 0.28), (0.74, 0.06), (0.8, 0.06), (0.8, 0.28), (0.85, 0.34)]
    c.polygon([*neck, (0.85, 0.8), (0.7, 0.8)], "#4f7a58", "#163020")
    c.box(0.72, 0.36, 0.74, 0.72, "#b8d8b8")
    apples = [(0.2, 0.5, "#c83c28"), (0.34, 0.44, "#d8a828"), (0.46, 0.52, "#b02c28"), (0.32, 0.55, "#88a030")]
    for x, y, colour in apples:
        c.disc(x, y, 0.11, colour, "#502018")
        c.glow(x - 0.03, y - 0.04, 0.05, "#ffffff", 0.5)
    c.polygon(c.arc(0.33, 0.58, 0.34, 0, 180, 0.75), "#dcd8cc", "#605c64")
    c.disc(0.58, 0.84, 0.09, "#c8c050", "#706820")
    c.disc(0.585, 0.75, 0.05, "#d0c858", "#a09840")


@scene(360, 480)
def vase(c: Canvas) -> None:
    """Paint tulips in a jug on a window sill."""
    c.box(0, 0, 1, 1, "#e8e0d0", "#c8b8a0")
    c.box(0.08, 0.0, 0.56, 0.7, "#b8d8f0", "#f4f4e8", 0.3)
    for x in (0.06, 0.31, 0.55):
        c.box(x, 0, x + 0.03, 0.72, "#8c6c50", "#6c5040")
    c.box(0, 0.78, 1, 1, "#a88058", "#604028", 0.3)
    tulips = [(0.34, 0.26, "#d83040"), (0.5, 0.16, "#f0a030"), (0.66, 0.2, "#c82858"), (0.8, 0.34, "#e85838")]
    for x, y, colour in [*tulips, (0.56, 0.34, "#802060")]:
        c.line([(0.58, 0.64), ((x + 0.58) / 2 + 0.02, (y + 0.6) / 2), (x, y)], 0.016, "#406830")
        tips = [(x - 0.07, y - 0.08), (x - 0.03, y - 0.04), (x, y - 0.1), (x + 0.04, y - 0.04), (x + 0.07, y - 0.08)]
        c.polygon([*tips, (x + 0.06, y + 0.02), (x, y + 0.05), (x - 0.06, y + 0.02)], colour, "#601828")
    c.polygon([(0.56, 0.6), (0.32, 0.4), (0.42, 0.58)], "#608848", "#305028")
    c.polygon([(0.6, 0.6), (0.9, 0.48), (0.72, 0.62)], "#608848", "#305028")
    side = [(0.7, 0.56), (0.68, 0.66), (0.76, 0.78), (0.7, 0.92)]
    c.polygon([*side, *[(1.16 - x, y) for x, y in side[::-1]]], "#3c60a8", "#182848")


@scene(400, 400)
def sunflower(c: Canvas) -> None:
    """Paint one sunflower, off centre and very near, with a bee."""
    c.box(0, 0, 1, 1, "#4878b0", "#7c9c58", 0.3)
    c.clump(0.7, 0.9, (0.5, 0.2), 0.12, ["#507838", "#385828", "#88a850"], 40)
    c.blur(0.02)
    c.line([(0.4, 0.5), (0.5, 1.05)], 0.07, "#587c30")
    for layer, colour in ((0, "#d88c10"), (12, "#ffcc20")):
        for angle in range(layer, 360, 24):
            side = c.arc(0.4, 0.44, 0.25, angle - 9, angle + 9)
            c.polygon([(0.4, 0.44), side[0], *c.arc(0.4, 0.44, 0.4, angle, angle), side[-1]], colour, rough=0.3)
    c.disc(0.4, 0.44, 0.2, "#5c3818", "#281408")
    for x, y in c.rng.normal(0, 0.07, (160, 2)).tolist():
        c.disc(0.4 + x, 0.44 + y, 0.008, "#a87030")
    c.disc(0.5, 0.38, 0.035, "#e8b030", "#302010")
    c.disc(0.54, 0.34, 0.03, "#d8e4f0", "#a0b0c0", 0.5)


@scene(360, 480)
def portrait(c: Canvas) -> None:
    """Paint a woman with a straw hat before a garden out of focus."""
    c.clump(0.5, 0.5, (0.6, 0.6), 0.12, ["#507840", "#88a850", "#304c30", "#c8b060", "#406048"], 90)
    c.blur(0.03)
    c.polygon([(0.1, 1.02), (0.2, 0.8), (0.42, 0.72), (0.6, 0.72), (0.84, 0.82), (0.94, 1.02)], "#d8e0e8", "#7088a8")
    c.polygon(c.arc(0.51, 0.66, 0.09, squash=1.5), "#b87c58", "#d89c78")
    c.polygon(c.arc(0.51, 0.46, 0.18, squash=1.3), "#f0c098", "#c88860")
    for side in (-1, 1):
        hair = [(0.12, 0.3), (0.2, 0.34), (0.24, 0.5), (0.22, 0.72), (0.13, 0.74), (0.18, 0.52), (0.16, 0.42)]
        c.polygon([(0.505 + side * x, y) for x, y in hair], "#8c5028", "#50280f", 0.4)
    for x in (0.44, 0.57):
        c.disc(x, 0.45, 0.02, "#2c2020")
        c.line([(x - 0.03, 0.42), (x + 0.03, 0.415)], 0.01, "#50301c")
    c.line([(0.51, 0.46), (0.52, 0.52), (0.5, 0.525)], 0.01, "#a06848")
    c.line(c.arc(0.505, 0.55, 0.06, 20, 160, 0.6), 0.016, "#a83838")
    c.polygon(c.arc(0.48, 0.34, 0.44, squash=0.24), "#e8c878", "#a07c38")
    c.polygon(c.arc(0.48, 0.33, 0.21, 180, 360, 1.1), "#f4d890", "#c8a050")
    c.polygon([(0.2, 0.32), (0.76, 0.31), (0.75, 0.345), (0.22, 0.35)], "#a03040")


@scene(360, 480)
def cat(c: Canvas) -> None:
    """Paint a cat from behind, watching the evening through a window."""
    c.box(0, 0, 1, 1, "#58483c", "#382c28", 0.3)
    c.box(0.16, 0.06, 0.94, 0.72, "#6c84b0", "#f4b078", 0.25)
    c.clump(0.7, 0.66, (0.3, 0.07), 0.09, ["#40505c", "#30404c"], 30)
    c.blur(0.012)
    c.box(0.52, 0.04, 0.57, 0.74, "#e8dcc8", "#b8a890")
    c.box(0.14, 0.3, 0.96, 0.335, "#e8dcc8", "#c8b8a0")
    c.box(0.06, 0.72, 1, 0.8, "#e0d0b8", "#907c68")
    c.polygon(c.arc(0.34, 0.62, 0.17, squash=1.25), "#28201c", "#14100f")
    c.disc(0.34, 0.42, 0.11, "#302824", "#1c1614")
    for side in (-1, 1):
        c.polygon([(0.34 + 0.1 * side, 0.4), (0.34 + 0.09 * side, 0.28), (0.34 + 0.02 * side, 0.36)], "#241c18")
    c.line([(0.44, 0.74), (0.56, 0.78), (0.6, 0.9), (0.54, 0.97)], 0.04, "#1c1614")
    c.polygon([(0, 0), (0.2, 0), (0.16, 0.5), (0.06, 0.9), (0, 0.92)], "#a83c34", "#601c1c", 0.4)


@scene(400, 400)
def fish(c: Canvas) -> None:
    """Paint a striped fish over coral, light falling through the water."""
    c.box(0, 0, 1, 1, "#48b0d0", "#083058", 0.3)
    for x in (0.05, 0.3, 0.7):
        c.polygon([(x, 0), (x + 0.12, 0), (x + 0.02, 0.8), (x - 0.2, 0.8)], "#70c8e0", "#1c5880", 0.2)
    c.blur(0.02)
    c.clump(0.2, 0.92, (0.24, 0.12), 0.06, ["#e07058", "#b84868", "#f0a060", "#803050"], 60)
    c.clump(0.86, 0.96, (0.16, 0.1), 0.05, ["#c8b848", "#88a058", "#e8d878"], 40)
    c.polygon([(0.7, 0.46), (0.94, 0.28), (0.88, 0.48), (0.94, 0.66)], "#f8a020", "#c86010")
    c.polygon([(0.3, 0.3), (0.46, 0.12), (0.68, 0.32)], "#e88818", "#a85008")
    c.polygon(c.arc(0.46, 0.46, 0.3, squash=0.7), "#ffb030", "#c86008")
    for x, height in ((0.32, 0.16), (0.48, 0.2), (0.62, 0.16)):
        c.polygon(c.arc(x, 0.46, 0.04, squash=height / 0.04), "#fbf8f0", "#c8d0d8")
    c.disc(0.24, 0.42, 0.03, "#fbfbf4")
    c.disc(0.235, 0.42, 0.018, "#101010")
    for i in range(5):
        c.ring(0.1 + 0.012 * (i % 2), 0.36 - 0.07 * i, 0.012 + 0.004 * i, 0.005, "#d8f0f8")


@scene(400, 400)
def coffee(c: Canvas) -> None:
    """Paint a breakfast table from above: cup, plate, knife, newspaper corner."""
    for i in range(6):
        c.box(0, i / 6, 1, (i + 1) / 6 - 0.006, ("#b88858", "#a87848", "#c09060")[i % 3], rough=0.35)
    c.glow(0.75, 0.85, 0.3, "#ffffff", -0.25)
    c.disc(0.68, 0.7, 0.27, "#f4f0e8", "#c8c4bc")
    c.disc(0.68, 0.7, 0.19, "#e0dcd4", "#f8f4ec")
    c.polygon(c.arc(0.66, 0.7, 0.14, 100, 330), "#d89840", "#8c5020", 0.4)
    c.disc(0.26, 0.3, 0.2, "#e8ecf0", "#a0a8b4")
    c.line([(0.36, 0.22), (0.47, 0.13)], 0.05, "#f0f4f8")
    c.disc(0.26, 0.3, 0.14, "#f8fafc", "#c8d0d8")
    c.disc(0.26, 0.3, 0.12, "#2c180c", "#5c3418")
    c.polygon([(0.58, 0), (1, 0), (1, 0.34), (0.68, 0.26)], "#e4e0d4", "#c8c4b8", 0.1)
    for i in range(5):
        c.line([(0.68 + 0.012 * i, 0.04 + 0.045 * i), (0.98, 0.06 + 0.053 * i)], 0.012, "#504c4c")
    c.line([(0.28, 0.56), (0.3, 0.96)], 0.03, "#c8ccd0")
    c.line([(0.3, 0.78), (0.3, 0.97)], 0.04, "#302420")


@scene(480, 360)
def chess(c: Canvas) -> None:
    """Paint a chessboard in perspective with a few pieces left."""
    c.box(0, 0, 1, 1, "#28342c", "#6c4c34", 0.3)
    at = plane([(0.34, 0.22), (0.98, 0.36), (0.72, 1.12), (-0.12, 0.6)])
    c.polygon([at(u, v) for u, v in [(-0.04, -0.04), (1.04, -0.04), (1.04, 1.04), (-0.04, 1.04)]], "#4c2c18")
    for i in range(64):
        u, v = i % 8 / 8, i // 8 / 8
        square = [at(u, v), at(u + 0.125, v), at(u + 0.125, v + 0.125), at(u, v + 0.125)]
        c.polygon(square, "#ecd8b0" if (i + i // 8) % 2 else "#6c3c20")
    dark, light = "#241c18", "#f8ecd4"
    for column, row, size, colour in [(2, 1, 0.2, dark), (6, 2, 0.3, dark), (4, 3, 0.24, light), (1, 4, 0.34, light)]:
        x, y = at((column + 0.5) / 8, (row + 0.5) / 8)
        c.disc(x, y, 0.28 * size, colour, "#604430", 0.5)
        c.polygon([(x - 0.14 * size, y), (x, y - 1.3 * size), (x + 0.14 * size, y)], colour, "#806048")
        c.disc(x, y - size, 0.2 * size, colour, "#806048")


@scene(480, 360)
def bookshelf(c: Canvas) -> None:
    """Paint two shelves of books, some of them leaning, and a vase."""
    c.box(0, 0, 1, 1, "#4c3424", "#30201a", 0.3)
    covers = ["#8c2c24", "#24485c", "#d8b468", "#e8e0d0", "#3c5c3c", "#181c28", "#b86830", "#6c5078"]
    for top, shelf, left, right in ((0.03, 0.46, 0.02, 0.62), (0.55, 0.95, 0.3, 0.97)):
        x = left
        while x < right:
            width, height = c.rng.uniform(0.025, 0.06), c.rng.uniform(0.0, 0.12)
            y, cover = top + height, covers[int(c.rng.integers(8))]
            c.box(x, y, x + width, shelf, cover)
            c.box(x, y + 0.06, x + width, y + 0.09, "#f0d890", rough=0.4)
            x += width + 0.003
        c.box(0, shelf, 1, shelf + 0.04, "#9c7048", "#6c4830")
    c.polygon([(0.66, 0.46), (0.8, 0.07), (0.85, 0.09), (0.72, 0.46)], "#c8a850", "#8c7030")
    c.disc(0.14, 0.84, 0.13, "#b8d0d8", "#305060")
    c.polygon([(0.11, 0.76), (0.17, 0.76), (0.18, 0.62), (0.1, 0.62)], "#d8e8e8", "#608090")


@scene(360, 480)
def page(c: Canvas) -> None:
    """Paint a printed page lying askew on a dark desk, with a pencil."""
    c.box(0, 0, 1, 1, "#40342c", "#282020", 0.4)
    at = plane([(0.34, -0.02), (1.0, 0.2), (0.68, 0.98), (0.02, 0.76)])
    c.polygon([at(0, 0), at(1, 0), at(1, 1), at(0, 1)], "#fbf6e8", "#e4dac4", 0.05)
    c.line([at(0.12, 0.09), at(0.7, 0.09)], 0.034, "#1c1818")
    c.polygon([at(0.1, 0.5), at(0.5, 0.5), at(0.5, 0.76), at(0.1, 0.76)], "#88a0b0", "#384c40", 0.4)
    for row in range(21):
        u, right = (0.1 if row < 9 or row > 16 else 0.55), (0.6 if row in (8, 20) else 0.9)
        while u < right:
            word = min(float(c.rng.uniform(0.03, 0.12)), right - u)
            c.line([at(u, 0.16 + 0.038 * row), at(u + word, 0.16 + 0.038 * row)], 0.012, "#302c2c")
            u += word + 0.02
    c.line([(0.62, 1.0), (0.98, 0.6)], 0.034, "#e8b030")
    c.line([(0.62, 1.0), (0.66, 0.955)], 0.034, "#d87868")


@scene(480, 360)
def old_map(c: Canvas) -> None:
    """Paint a sea chart: coasts, an island, grid lines, a route and a compass rose."""
    c.box(0, 0, 1, 1, "#e8d8b0", "#d0b888", 0.12)
    for points in (
        [(0, 0), (0.46, 0), (0.4, 0.12), (0.48, 0.22), (0.36, 0.34), (0.4, 0.5), (0.24, 0.56), (0.2, 0.74), (0, 0.8)],
        [(1, 0.5), (0.84, 0.56), (0.8, 0.7), (0.66, 0.76), (0.7, 0.9), (0.62, 1), (1, 1)],
        [(0.62, 0.3), (0.7, 0.22), (0.8, 0.3), (0.74, 0.42), (0.64, 0.42)],
    ):
        c.polygon(points, "#8c8048", "#6c5c34", 0.4)
        c.line([*points, points[0]], 0.012, "#4c3420")
    for i in range(1, 8):
        c.line([(i / 8, 0), (i / 8, 1)], 0.003, "#8c7450")
        c.line([(0, i / 8), (1, i / 8)], 0.003, "#8c7450")
    for i in range(9):
        c.disc(0.42 + 0.034 * i, 0.58 - 0.002 * i * i, 0.012, "#a82818")
    for x, y in ((0.4, 0.66), (0.4, 0.98), (0.28, 0.82), (0.52, 0.82)):
        c.polygon([(0.38, 0.79), (0.42, 0.85), (x, y)], "#7c2418")
        c.polygon([(0.42, 0.79), (0.38, 0.85), (x, y)], "#382818")


@scene(400, 400)
def abstract(c: Canvas) -> None:
    """Paint a composition of bars, arcs and discs."""
    c.box(0, 0, 1, 1, "#efe6d0", "#d8c8a8", 0.2)
    c.polygon([(0, 0.55), (0.62, 0), (0.8, 0), (0, 0.72)], "#1c2c50", "#304878")
    c.disc(0.68, 0.62, 0.27, "#d84028", "#a02018")
    c.disc(0.76, 0.56, 0.13, "#f4c030", "#d89020")
    c.polygon([(0.06, 0.96), (0.3, 0.6), (0.5, 0.98)], "#207868", "#104838")
    c.box(0.1, 0.08, 0.26, 0.26, "#c83820")
    c.box(0.84, 0.06, 0.92, 0.5, "#181818")
    for i in range(5):
        c.ring(0.3, 0.42, 0.06 + 0.035 * i, 0.01, "#282020")
    for i in range(6):
        c.line([(0.5 + 0.05 * i, 1), (0.78 + 0.05 * i, 0.8)], 0.012, "#302820")


@scene(400, 400)
def sticker(c: Canvas) -> None:
    """Paint a cut-out leaf on pure white."""
    c.box(0, 0, 1, 1, "#ffffff", rough=0)
    c.line([(0.72, 0.74), (0.9, 0.95)], 0.03, "#386020")
    tips = [(0.54, 0.8), (0.34, 0.82), (0.12, 0.6), (0.08, 0.24), (0.34, 0.08), (0.66, 0.1), (0.86, 0.4), (0.86, 0.7)]
    dents = [(0.45, 0.7), (0.36, 0.66), (0.26, 0.46), (0.3, 0.3), (0.48, 0.24), (0.64, 0.34), (0.74, 0.5), (0.74, 0.78)]
    outline = [point for pair in zip(tips, dents, strict=True) for point in pair]
    c.polygon(outline, "#e8b030", "#a83018", 0.25)
    for x, y in tips[1:]:
        c.line([(0.72, 0.74), (0.5 * x + 0.25, 0.5 * y + 0.25), (0.85 * x + 0.06, 0.85 * y + 0.07)], 0.012, "#6c2810")
