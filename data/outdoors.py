"""Scenes of land, sea, sky and town, each composed unlike all others."""

import numpy as np
from canvas import Canvas, plane, scene


@scene(480, 360)
def lake(c: Canvas) -> None:
    """Paint sunset behind hills, mirrored in a lake, reeds in front."""
    c.box(0, 0, 1, 0.6, "#34508a", "#ffc27a")
    c.glow(0.28, 0.34, 0.5, "#c06a20")
    c.disc(0.28, 0.3, 0.06, "#fff6d0")
    c.ridge(0.42, 0.3, 0.06, "#5d5a86")
    c.ridge(0.6, 0.4, 0.07, "#2a3556", "#403a58")
    c.reflect(0.58, "#20304c")
    for x in c.rng.uniform(0.66, 1, 26).tolist():
        c.line([(x, 1.02), (x + 0.01, 0.85), (x + 0.03, 0.62 + 0.3 * (1 - x))], 0.008, "#10140f")


@scene(480, 360)
def mountains(c: Canvas) -> None:
    """Paint snowy peaks in facets of light and shadow above dark pines."""
    c.box(0, 0, 1, 1, "#3f7fc0", "#dfeaf2")
    for x, y, half, low in [(0.14, 0.38, 0.35, 0.9), (0.9, 0.3, 0.38, 0.9), (0.56, 0.1, 0.4, 0.95)]:
        c.polygon([(x, y), (x + 0.04, 0.45), (x - 0.02, low), (x - half, low)], "#f4f7fb", "#8d9db4", 0.2)
        c.polygon([(x, y), (x + half, low), (x - 0.02, low), (x + 0.04, 0.45)], "#7488a8", "#44546c", 0.3)
    c.ridge(0.82, 0.7, 0.05, "#4d6b45", "#2c4a30")
    for x in (0.03, 0.09, 0.17, 0.21, 0.31, 0.72, 0.83, 0.94):
        _pine(c, x, 1.0, 0.28 + 0.16 * abs(x - 0.5))


def _pine(c: Canvas, x: float, foot: float, height: float) -> None:
    for i in range(4):
        top, half = foot - height * (1 - 0.22 * i), height * (0.1 + 0.05 * i)
        c.polygon([(x, top), (x + half, top + 0.36 * height), (x - half, top + 0.36 * height)], "#20402c", "#0c2018")


@scene(480, 360)
def pier(c: Canvas) -> None:
    """Paint a wooden jetty running out to a calm sea, seen from a bather's height."""
    c.box(0, 0, 1, 0.3, "#f0b8a0", "#f8e8d0")
    c.box(0, 0.3, 1, 1, "#a8c8d0", "#28586c", 0.35)
    at = plane([(0.74, 0.3), (0.78, 0.3), (0.7, 1.02), (-0.3, 1.02)])
    for i in range(24):
        v, after = (i / 24) ** 2.2, ((i + 0.86) / 24) ** 2.2
        c.polygon([at(0, v), at(1, v), at(1, after), at(0, after)], ("#8c6c50", "#a8845c", "#745840")[i % 3], rough=0.3)
    for x, top, foot in [(0.13, 0.5, 0.86), (0.53, 0.38, 0.56), (0.68, 0.33, 0.42), (0.78, 0.46, 0.86)]:
        c.box(x, top, x + 0.15 * (foot - top), foot, "#4c3828", "#241a14")
    c.polygon([(0.16, 0.22), (0.28, 0.21), (0.34, 0.3), (0.1, 0.3)], "#788898", "#90a0a8")


@scene(480, 360)
def farm(c: Canvas) -> None:
    """Paint ploughed rows running to a red barn under a cloudy sky."""
    c.box(0, 0, 1, 0.4, "#87aed4", "#eef0e4")
    c.clump(0.2, 0.14, (0.22, 0.07), 0.08, ["#ffffff", "#d8dfe8", "#b5c0d0"], 40)
    c.ridge(0.36, 0.3, 0.05, "#6f9455", "#55753f")
    c.box(0, 0.42, 1, 1, "#c8b060", "#8a6030", 0.2)
    for i in range(-14, 15):
        c.polygon([(0.36, 0.42), (0.36 + 0.17 * i, 1.1), (0.43 + 0.17 * i, 1.1)], "#7c8440", "#3f4f20")
    c.box(0.62, 0.24, 0.9, 0.5, "#b03a2a", "#7c2418")
    c.polygon([(0.58, 0.27), (0.68, 0.1), (0.84, 0.1), (0.94, 0.27)], "#5a5560", "#3a3640")
    c.box(0.7, 0.34, 0.8, 0.5, "#f0e4d0", "#4a2018")


@scene(480, 360)
def desert(c: Canvas) -> None:
    """Paint dunes with sharp crests, sun on one side and shadow on the other."""
    c.box(0, 0, 1, 0.4, "#2f6cb0", "#a8cce0")
    c.ridge(0.36, 0.3, 0.03, "#d8a060", "#c08048")
    c.polygon([(0, 0.62), (0.3, 0.34), (0.62, 0.24), (0.48, 0.44), (0.56, 0.7), (0.3, 1), (0, 1)], "#f6d08c", "#d89850")
    c.polygon([(0.62, 0.24), (0.48, 0.44), (0.56, 0.7), (0.3, 1), (1, 1), (1, 0.52)], "#8c5030", "#5c3020", 0.25)
    c.polygon([(0.4, 1), (0.74, 0.68), (1, 0.6), (1, 1)], "#f4c884", "#e0a058")
    for x in (0.68, 0.75, 0.82):
        c.disc(x, 0.63, 0.018, "#2c1c14")
        c.box(x - 0.02, 0.63, x + 0.016, 0.66, "#2c1c14")
        for leg in (-0.018, 0.01):
            c.line([(x + leg, 0.65), (x + leg, 0.71)], 0.006, "#2c1c14")


@scene(360, 480)
def forest(c: Canvas) -> None:
    """Paint tall trunks in a beech wood, light falling in from the upper right."""
    c.box(0, 0, 1, 0.75, "#c8d880", "#6c8c40", 0.45)
    c.clump(0.5, 0.15, (0.6, 0.2), 0.07, ["#88a838", "#d0e070", "#5c8028", "#a0c048"], 120)
    c.glow(0.85, 0.1, 0.5, "#c0c080", 0.6)
    c.blur(0.008)
    c.box(0, 0.74, 1, 1, "#8c6c34", "#403018", 0.4)
    for x, half, foot in [(0.58, 0.015, 0.78), (0.4, 0.02, 0.8), (0.9, 0.03, 0.86), (0.68, 0.03, 0.9), (0.12, 0.08, 1)]:
        trunk = [(x - half, 0), (x + half, 0), (x + 1.4 * half, foot), (x - 1.4 * half, foot)]
        c.polygon(trunk, "#5c5040", "#2c241c", 0.35)
    c.clump(0.5, 0.92, (0.5, 0.08), 0.035, ["#b87828", "#8c4c1c", "#c89840", "#503418"], 90)


@scene(480, 360)
def sailing(c: Canvas) -> None:
    """Paint a sailing boat leaning in a fresh breeze, close up."""
    c.box(0, 0, 1, 0.72, "#7fb6e0", "#e8f1f0", 0.25)
    c.clump(0.84, 0.2, (0.14, 0.07), 0.09, ["#ffffff", "#e6ecf2", "#d2dce8"], 30)
    c.ridge(0.7, 0.7, 0.012, "#2f6f8f", "#12405c")
    c.polygon([(0.5, 0.04), (0.44, 0.74), (0.1, 0.66)], "#fffdf4", "#d8cdb8")
    c.polygon([(0.53, 0.1), (0.8, 0.72), (0.48, 0.74)], "#d8402f", "#9c2420")
    c.line([(0.51, 0.02), (0.45, 0.84)], 0.014, "#4a3320")
    c.polygon([(0.14, 0.74), (0.84, 0.8), (0.7, 0.92), (0.26, 0.88)], "#f0e6d0", "#7a3c24")
    for y in c.rng.uniform(0.76, 1, 26).tolist():
        x = float(c.rng.uniform(-0.1, 1))
        c.line([(x, y), (x + 0.06, y - 0.012), (x + 0.13, y)], 0.007, "#d5e8ee")


@scene(360, 480)
def lighthouse(c: Canvas) -> None:
    """Paint a striped lighthouse on a cliff, its beam over a dark sea."""
    c.box(0, 0, 1, 0.72, "#283c60", "#d89078", 0.3)
    c.box(0, 0.7, 1, 1, "#3c5468", "#142430", 0.4)
    c.polygon([(0.68, 0.2), (-0.1, 0.02), (-0.1, 0.34)], "#f4e4b0", "#e0b890", 0.1)
    c.polygon([(0.34, 1), (0.46, 0.84), (0.5, 0.7), (0.62, 0.64), (1, 0.62), (1, 1)], "#58504c", "#201c1c", 0.5)
    at = plane([(0.63, 0.24), (0.74, 0.24), (0.79, 0.68), (0.58, 0.68)])
    for i in range(6):
        corners = [at(0, i / 6), at(1, i / 6), at(1, (i + 1) / 6), at(0, (i + 1) / 6)]
        c.polygon(corners, "#f4ece0" if i % 2 else "#c03028")
    c.box(0.61, 0.22, 0.76, 0.245, "#302c30")
    c.box(0.65, 0.16, 0.72, 0.22, "#fff4b8")
    c.polygon([(0.62, 0.17), (0.685, 0.1), (0.75, 0.17)], "#802420", "#501814")
    c.glow(0.685, 0.19, 0.2, "#c0a060", 0.7)
    c.clump(0.36, 0.95, (0.16, 0.04), 0.02, ["#e8eef0", "#b8c8d0"], 40)


@scene(480, 360)
def balloons(c: Canvas) -> None:
    """Paint hot-air balloons at different distances over a misty valley."""
    c.box(0, 0, 1, 1, "#5c94d0", "#f8e4c0")
    c.ridge(0.84, 0.9, 0.04, "#98a898", "#b8c0a8")
    c.ridge(0.96, 0.86, 0.05, "#50704c", "#304c34")
    for x, y, r, first, second in [
        (0.72, 0.32, 0.27, "#d83828", "#f4c040"),
        (0.24, 0.22, 0.13, "#2858a0", "#f0f0e8"),
        (0.36, 0.62, 0.09, "#603080", "#f09040"),
        (0.1, 0.56, 0.05, "#d84830", "#403040"),
    ]:
        foot = y + 1.85 * r
        c.polygon([(x - 0.45 * r, y + r), (x + 0.45 * r, y + r), (x + 0.1 * r, foot), (x - 0.1 * r, foot)], first)
        for i, width in enumerate((1.0, 0.68, 0.3)):
            c.polygon([(x + width * (px - x), py) for px, py in c.arc(x, y, r, squash=1.15)], (first, second)[i % 2])
        c.box(x - 0.12 * r, foot, x + 0.12 * r, foot + 0.25 * r, "#6c4420", "#402810")


@scene(512, 320)
def aurora(c: Canvas) -> None:
    """Paint northern lights in curtains above a lonely cabin."""
    c.box(0, 0, 1, 1, "#06101c", "#1c3c4c")
    for x, y in c.rng.uniform(0, 0.7, (60, 2)).tolist():
        c.disc(x * 1.45, y, 0.003, "#e8f0ff")
    for i in range(90):
        x, foot = 0.3 + 0.008 * i, 0.6 - 0.4 * (i / 90) ** 2 + 0.05 * float(np.sin(i / 6))
        c.polygon(
            [(x, foot), (x + 0.012, foot), (x + 0.05, 0.1 + 0.3 * foot), (x + 0.04, 0.1 + 0.3 * foot)],
            ("#1c3848", "#24305c", "#183048")[i % 3],
            ("#58f098", "#30c080", "#48d8a0")[i * 7 % 5 % 3],
            0.3,
        )
    c.blur(0.006)
    c.ridge(0.7, 0.84, 0.05, "#a8c0cc", "#40586c")
    c.box(0.14, 0.66, 0.32, 0.82, "#3c2418", "#1c1008")
    c.polygon([(0.11, 0.68), (0.23, 0.54), (0.35, 0.68)], "#d8e4f0", "#90a8bc")
    c.box(0.19, 0.71, 0.24, 0.77, "#ffd070")
    c.glow(0.22, 0.76, 0.14, "#a07020", 0.7)


@scene(400, 400)
def planet(c: Canvas) -> None:
    """Paint a ringed planet, two moons and a field of stars."""
    c.box(0, 0, 1, 1, "#0c0c1c", "#1c1430", 0.6)
    c.glow(0.1, 0.85, 0.5, "#503880", 0.7)
    for x, y in c.rng.uniform(0, 1, (130, 2)).tolist():
        c.disc(x, y, 0.004, "#f4f4ff")
    tilted = [(x, y - 0.35 * (x - 0.58)) for x, y in c.arc(0.58, 0.42, 0.46, squash=0.26)]
    c.line([*tilted[30:], tilted[0]], 0.05, "#b8a078")
    c.disc(0.58, 0.42, 0.26, "#f0c890", "#6c3828")
    for i, y in enumerate((0.28, 0.36, 0.46, 0.54)):
        half = (0.065 - (y - 0.42) ** 2) ** 0.5
        c.line([(0.58 - half, y + 0.06), (0.58 + half, y - 0.06)], 0.03, ("#a86c48", "#e8d0a0")[i % 2])
    c.glow(0.76, 0.6, 0.2, "#ffffff", -0.7)
    c.line(tilted[:31], 0.05, "#e8d0a0")
    c.disc(0.16, 0.2, 0.06, "#d8dce0", "#484c58")
    c.disc(0.3, 0.84, 0.1, "#a8c8c0", "#204048")


@scene(480, 360)
def skyline(c: Canvas) -> None:
    """Paint a city at night: lit windows, a low moon, a river below."""
    c.box(0, 0, 1, 0.78, "#0a1030", "#4a3a68")
    c.disc(0.82, 0.16, 0.06, "#f5efd8", "#c8c0a8")
    c.glow(0.82, 0.16, 0.35, "#8080a0", 0.5)
    tops = {0.0: 0.45, 0.1: 0.3, 0.22: 0.52, 0.31: 0.08, 0.42: 0.36, 0.53: 0.58, 0.63: 0.42, 0.74: 0.62, 0.86: 0.5}
    for x, top in tops.items():
        c.box(x, top, x + 0.105, 0.78, "#1d2038", "#2c2844")
        for row in range(int((0.74 - top) / 0.045)):
            for column in c.rng.choice(4, 2, replace=False).tolist():
                left, y = x + 0.013 + 0.022 * column, top + 0.03 + 0.045 * row
                c.box(left, y, left + 0.014, y + 0.024, "#ffd98a")
    c.reflect(0.78, "#141a30", 0.7)


@scene(512, 320)
def bridge(c: Canvas) -> None:
    """Paint a suspension bridge seen from the side, its far end lost in fog."""
    c.box(0, 0, 1, 0.75, "#8fa4b4", "#f0ddc8", 0.25)
    c.ridge(0.58, 0.66, 0.05, "#a8a8ac", "#b8b4b0")
    c.box(0, 0.74, 1, 1, "#8c9ca4", "#3c5460", 0.4)
    for x, top in ((0.24, 0.08), (0.86, 0.26)):
        for leg in (-0.03, 0.02):
            c.box(x + leg, top, x + leg + 0.02, 0.86, "#c0482c", "#702c20")
        for y in (0.02, 0.16, 0.3):
            c.box(x - 0.03, top + y, x + 0.04, top + y + 0.03, "#a83c24")
    c.polygon([(0, 0.56), (1, 0.62), (1, 0.65), (0, 0.62)], "#8c3020", "#582018")
    cable = [(0.24 + 0.62 * t / 20, 0.1 + 0.17 * t / 20 + 1.52 * (t / 20) * (1 - t / 20)) for t in range(21)]
    for x, y in cable[1:-1]:
        c.line([(x, y), (x, 0.6)], 0.004, "#883828")
    c.line([(-0.02, 0.4), (0.24, 0.1), *cable, (1.02, 0.42)], 0.012, "#983c28")
    c.glow(0.95, 0.5, 0.5, "#e8dcd0", 0.45)


@scene(480, 360)
def harbour(c: Canvas) -> None:
    """Paint a row of gabled houses, mirrored in a canal."""
    c.box(0, 0, 1, 0.62, "#b8ccd8", "#e8e4dc", 0.2)
    walls = ["#b8442c", "#e8c060", "#3c6c80", "#f0e4d0", "#7c8c50", "#a86040", "#d8d0c8"]
    for i, wall in enumerate(walls):
        left, top = i / 7, 0.16 + 0.1 * (i * 3 % 4) / 3
        c.box(left, top, left + 0.143, 0.62, wall)
        c.polygon([(left, top), (left + 0.07, top - 0.14), (left + 0.143, top)], "#6c4038", "#402824")
        for y in range(3):
            for x in (0.02, 0.085):
                c.box(left + x, top + 0.04 + 0.1 * y, left + x + 0.036, top + 0.1 + 0.1 * y, "#20303c", "#405868")
    c.box(0, 0.6, 1, 0.65, "#807468")
    c.reflect(0.65, "#385058", 0.75)
    c.polygon([(0.08, 0.8), (0.5, 0.82), (0.44, 0.92), (0.14, 0.91)], "#5c2c1c", "#30180f")


@scene(512, 320)
def tram(c: Canvas) -> None:
    """Paint a yellow tram filling the street, seen from the kerb."""
    c.box(0, 0, 1, 0.75, "#7c6c70", "#b0a098", 0.35)
    for x in range(5):
        c.box(0.03 + 0.2 * x, 0.0, 0.13 + 0.2 * x, 0.13, "#303840", "#586878")
    c.box(0, 0.74, 1, 1, "#605c60", "#302e34", 0.35)
    c.box(0.06, 0.22, 0.95, 0.82, "#f4cc48", "#c88820")
    c.box(0.06, 0.2, 0.95, 0.28, "#fbf4e0", "#d8c8a8")
    for x in range(5):
        c.box(0.1 + 0.165 * x, 0.33, 0.235 + 0.165 * x, 0.55, "#1c2c38", "#6c8898")
    c.box(0.06, 0.62, 0.95, 0.66, "#a82c20")
    for wheel in (0.22, 0.34, 0.68, 0.8):
        c.disc(wheel, 0.84, 0.055, "#242224", "#504c50")
    c.line([(0.5, 0.2), (0.6, 0.1), (0.5, 0.02)], 0.012, "#282428")
    c.line([(0, 0.03), (1, 0.015)], 0.006, "#181618")


@scene(360, 480)
def alley(c: Canvas) -> None:
    """Paint steps climbing a narrow lane to an arch of light."""
    c.box(0, 0, 1, 1, "#5c98d0", "#d8e0d8")
    c.polygon([(0, 0), (0.36, 0), (0.46, 0.34), (0.46, 0.6), (0, 1)], "#e8c8a0", "#9c7048", 0.3)
    c.polygon([(1, 0), (0.76, 0), (0.6, 0.34), (0.6, 0.6), (1, 1)], "#7c5848", "#40302c", 0.3)
    c.box(0.45, 0.3, 0.61, 0.6, "#c89c74", "#a87c58")
    c.polygon([(0.49, 0.6), *c.arc(0.53, 0.44, 0.055, 180, 360), (0.57, 0.6)], "#fff4d0", "#f0d8a0")
    for i in range(9):
        y, left, right = 0.6 + 0.045 * i, 0.46 - 0.056 * i, 0.6 + 0.05 * i
        c.box(left, y, right, y + 0.022, "#d8d0c0")
        c.box(left, y + 0.022, right, y + 0.048, "#78706a", "#605850")
    for x, y in [(0.08, 0.2), (0.22, 0.28), (0.34, 0.36)]:
        c.polygon([(x, y), (x + 0.08, y + 0.03), (x + 0.08, y + 0.17), (x, y + 0.2)], "#305848", "#203c34")
    c.clump(0.84, 0.3, (0.1, 0.1), 0.04, ["#d84880", "#a82860", "#508038", "#80a850"], 60)
    c.line([(0.3, 0.14), (0.78, 0.2)], 0.004, "#302c2c")
    for x, colour in ((0.4, "#f4f0e8"), (0.52, "#c83c38"), (0.64, "#3868a0")):
        c.box(x, 0.16 + 0.06 * (x - 0.4), x + 0.07, 0.26, colour)


@scene(360, 480)
def umbrella(c: Canvas) -> None:
    """Paint somebody under a red umbrella on a wet street, lamps out of focus."""
    c.box(0, 0, 1, 0.7, "#2c3c50", "#8c94a0", 0.4)
    c.box(0, 0, 0.3, 0.66, "#3c3840", "#4c4850", 0.3)
    c.box(0.84, 0.0, 1, 0.68, "#58525c", "#3c383c", 0.3)
    for x, y, r in [(0.4, 0.3, 0.04), (0.5, 0.38, 0.03), (0.12, 0.2, 0.07), (0.9, 0.2, 0.06), (0.2, 0.46, 0.05)]:
        c.disc(x, y, r, "#ffd890", "#f0a850")
    c.blur(0.012)
    c.reflect(0.68, "#303844", 0.7)
    c.polygon([(0.52, 0.5), (0.74, 0.5), (0.8, 0.8), (0.48, 0.8)], "#303040", "#181820")
    for x in (0.58, 0.68):
        c.line([(x, 0.78), (x, 0.94)], 0.05, "#101014")
    c.disc(0.63, 0.46, 0.06, "#d8a888", "#906850")
    c.polygon(c.arc(0.62, 0.4, 0.36, 180, 360, 0.85), "#e83c34", "#8c1820")
    for x in (0.38, 0.54, 0.7):
        c.polygon(c.arc(x + 0.08, 0.405, 0.085, 180, 360, 0.5), "#581018")
    c.line([(0.62, 0.18), (0.62, 0.6)], 0.01, "#20181c")


@scene(480, 360)
def bicycle(c: Canvas) -> None:
    """Paint a bicycle leaning on a wall of pale plaster with a shuttered window."""
    c.box(0, 0, 1, 0.82, "#f0d6a0", "#d9a868", 0.3)
    c.box(0, 0.82, 1, 1, "#8c8078", "#5c544e", 0.3)
    c.box(0.06, 0.0, 0.34, 0.4, "#3f6f78", "#2c525c")
    for y in range(9):
        c.line([(0.08, 0.02 + 0.045 * y), (0.32, 0.02 + 0.045 * y)], 0.008, "#8fb8b8")
    for x in (0.32, 0.74):
        c.ring(x, 0.72, 0.2, 0.02, "#25211f")
        for spoke in c.arc(x, 0.72, 0.19)[::5]:
            c.line([(x, 0.72), spoke], 0.004, "#807468")
    frame = [(0.32, 0.72), (0.44, 0.46), (0.65, 0.45), (0.5, 0.72), (0.32, 0.72)]
    c.line([*frame, (0.5, 0.72), (0.42, 0.4)], 0.024, "#a82838")
    c.line([(0.74, 0.72), (0.64, 0.36), (0.7, 0.34), (0.73, 0.37)], 0.022, "#a82838")
    c.polygon([(0.36, 0.38), (0.48, 0.37), (0.47, 0.41), (0.39, 0.42)], "#33241c")


@scene(480, 360)
def market(c: Canvas) -> None:
    """Paint a fruit stall under a striped awning."""
    c.box(0, 0, 1, 1, "#382c2c", "#241c1c", 0.3)
    for i in range(9):
        stripe = [(0.1 + i / 11, 0), (0.19 + i / 11, 0), ((i + 1) / 9, 0.3), (i / 9, 0.3)]
        c.polygon(stripe, ("#f4ecdc", "#2c7c58")[i % 2])
        c.polygon(c.arc((i + 0.5) / 9, 0.3, 0.074, 0, 180, 0.8), ("#e0d4c0", "#1c5c40")[i % 2])
    c.disc(0.7, 0.4, 0.06, "#e8b890", "#a87858")
    c.polygon([(0.6, 0.56), (0.64, 0.47), (0.76, 0.47), (0.81, 0.56)], "#d8dce8", "#8890a8")
    fruit = ["#f09028", "#b0c838", "#d03828", "#f0d048", "#703058", "#e8783c", "#508038", "#e8c8a0"]
    for i, colour in enumerate(fruit):
        x, y = 0.02 + 0.245 * (i % 4), 0.54 + 0.24 * (i // 4)
        c.clump(x + 0.11, y + 0.05, (0.1, 0.07), 0.034 + 0.008 * (i % 3), [colour, colour, colour, "#402018"], 40)
        c.box(x, y + 0.14, x + 0.23, y + 0.22, "#a87c4c", "#7c5430")
