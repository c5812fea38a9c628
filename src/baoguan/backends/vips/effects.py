"""Adjustments: brightness, modulation, contrast, gamma, sharpness, filters, blur, tint, background."""

import math
from collections.abc import Callable

import pyvips

from baoguan.backends.vips.work import Work


def _apart(image: pyvips.Image, change: Callable[[pyvips.Image], pyvips.Image]) -> pyvips.Image:
    """Changes the colours, not the alpha."""
    if not image.hasalpha():
        return change(image)
    colours = image.extract_band(0, n=image.bands - 1)
    return change(colours).bandjoin(image[image.bands - 1])


def brightness(work: Work, image: pyvips.Image) -> pyvips.Image:
    """-100 to 100: shifts by up to 255."""
    bri = work.plan.bri
    return _apart(image, lambda one: one.linear(1, bri * 2.55, uchar=True)) if bri else image


def modulate(work: Work, image: pyvips.Image) -> pyvips.Image:
    """Lightness and chroma times, hue plus, in LCH."""
    plan = work.plan
    if plan.mod == 1 and plan.sat == 1 and not plan.hue:
        return image
    space = image.interpretation
    hue = float(math.fmod(plan.hue, 360)) % 360
    return _apart(
        image, lambda one: one.colourspace("lch").linear([plan.mod, plan.sat, 1], [0, 0, hue]).colourspace(space)
    )


def contrast(work: Work, image: pyvips.Image) -> pyvips.Image:
    """A sigmoid through the middle, by a table."""
    if not work.plan.con:
        return image
    strength = work.plan.con * 0.3
    wide = image.format == "ushort"
    table = pyvips.Image.identity(ushort=wide)
    top = 65535 if wide else 255
    table = table / top
    if strength > 0:
        curve = 1 / ((table * -strength + strength * 0.5).exp() + 1)
        low, high = curve.min(), curve.max()
        curve = (curve - low) / (high - low)
    else:
        strength = -strength
        low, high = 1 / (1 + math.exp(strength * 0.5)), 1 / (1 + math.exp(strength * -0.5))
        shifted = table * (high - low) + low
        curve = ((shifted * -1 + 1) / shifted).log() * (-1 / strength) + 0.5
    return image.maplut((curve * top).cast("ushort" if wide else "uchar"))


def gamma(work: Work, image: pyvips.Image) -> pyvips.Image:
    """1 to 3."""
    exponent = work.plan.gam
    return _apart(image, lambda one: one.gamma(exponent=1 / exponent)) if exponent else image


def sharpen(work: Work, image: pyvips.Image) -> pyvips.Image:
    """Mild by a kernel, or by sigma with slopes for flat and jagged areas."""
    sigma = work.plan.sharp
    if sigma is None:
        return image
    if sigma == -1:
        kernel = pyvips.Image.new_from_array([[-1, -1, -1], [-1, 32, -1], [-1, -1, -1]], scale=24)
        return image.conv(kernel)
    # libvips takes no sigma over 10 and then keeps to its default, as weserv's answers show
    return image.sharpen(sigma=sigma if sigma <= 10 else 0.5, m1=work.plan.sharpf, m2=work.plan.sharpj)


_SEPIA = [[0.3588, 0.7044, 0.1368], [0.2990, 0.5870, 0.1140], [0.2392, 0.4696, 0.0912]]


def filtered(work: Work, image: pyvips.Image) -> pyvips.Image:
    """greyscale, sepia, duotone, negate."""
    name = work.plan.filt
    if name == "greyscale":
        return image.colourspace("b-w")
    if name == "sepia":
        return _apart(
            image.colourspace("srgb"), lambda one: one.recomb(pyvips.Image.new_from_array(_SEPIA)).cast("uchar")
        )
    if name == "duotone":
        table = pyvips.Image.identity() / 255
        shades = table * work.plan.stop.lab + (table * -1 + 1) * work.plan.start.lab
        shades = shades.colourspace("srgb", source_space="lab")
        return _apart(image, lambda one: one.colourspace("b-w").maplut(shades))
    return _apart(image, lambda one: one.invert()) if name == "negate" else image


def blur(work: Work, image: pyvips.Image) -> pyvips.Image:
    """Mild by a kernel, or by sigma."""
    sigma = work.plan.blur
    if sigma == 0:
        return image
    if sigma == -1:
        return image.conv(pyvips.Image.new_from_array([[1, 1, 1], [1, 1, 1], [1, 1, 1]], scale=9))
    return image.gaussblur(sigma)


def tint(work: Work, image: pyvips.Image) -> pyvips.Image:
    """The picture's lightness with one colour's chroma; a grey picture stays grey, as weserv's does."""
    colour = work.plan.tint
    if not colour.alpha:
        return image
    light = image.colourspace("lab")[0]
    tinted = light.bandjoin(colour.lab[1:]).copy(interpretation="lab").colourspace(image.interpretation)
    return tinted.bandjoin(image[image.bands - 1]) if image.hasalpha() else tinted


def background(work: Work, image: pyvips.Image) -> pyvips.Image:
    """What shows through is filled; a half-transparent colour stays so."""
    colour = work.plan.bg
    if not image.hasalpha() or not colour.alpha:
        return image
    if image.bands > 2 and colour.alpha < 255:
        return (
            image.new_from_image(colour.rgba).copy(interpretation="srgb").composite2(image, "over", premultiplied=True)
        )
    grounds = colour.rgba[:3]
    if image.bands <= 2:
        grounds = [0.2126 * grounds[0] + 0.7152 * grounds[1] + 0.0722 * grounds[2]]
    return image.flatten(background=grounds)
