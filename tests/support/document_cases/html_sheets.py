"""Pages whose own style sheets hide text, or open it when a control is used."""

from tests.support.document_cases.html import HIDDEN, page, unseen

_LATER = "<style>.x{display:none}</style>"
_FIRST_AND_SECOND = f"<ul><li>first</li><li>The {HIDDEN}.</li></ul>"

_HIDDEN = [
    unseen("sheet-place", _FIRST_AND_SECOND, "<style>li:nth-child(2){display:none}</style>"),
    unseen("sheet-is", f'<p class="h">The {HIDDEN}.</p>', "<style>:is(.h, .other){display:none}</style>"),
    unseen("sheet-where", f'<p data-x="1">The {HIDDEN}.</p>', "<style>:where([data-x]){display:none}</style>"),
    unseen("sheet-not", f'<p class="h">The {HIDDEN}.</p>', "<style>p:not(:empty).h, p.q{display:none}</style>"),
    unseen("sheet-layer", f'<p class="h">The {HIDDEN}.</p>', "<style>@layer base{.h{display:none}}</style>"),
    unseen(
        "sheet-supports",
        f'<p class="h">The {HIDDEN}.</p>',
        "<style>@supports (display:grid){.h{display:none}}</style>",
    ),
    unseen(
        "sheet-nested",
        f'<div class="a"><p class="b">The {HIDDEN}.</p><p class="c">ninety</p></div>',
        "<style>.a{color:red; .b{display:none} & > .c{display:none}}</style>",
    ),
    unseen(
        "sheet-width",
        f'<p class="h">The {HIDDEN}.</p>',
        "<style>@media screen and (min-width:768px){.h{display:none}}</style>",
    ),
    unseen(
        "variable",
        f'<p class="h">The {HIDDEN}.</p><p style="color:var(--paper)">ninety</p>',
        "<style>:root{--paper:#fff} .h{color:var(--none, white)}</style>",
    ),
    unseen(
        "sizes",
        f'<p style="font-size:0.01em">The {HIDDEN}.</p><p style="font-size:1%">ninety</p>'
        '<p style="max-height:0;overflow:hidden">ninety</p><p style="transform:scale(0)">ninety</p>',
    ),
    unseen(
        "away",
        f'<p style="position:absolute;right:-9999px">The {HIDDEN}.</p><p style="margin-left:-9999px">ninety</p>'
        '<p style="position:absolute;left:-99em">ninety</p><p style="transform:translateX(-9999px)">ninety</p>',
    ),
    unseen(
        "faint",
        f'<p style="opacity:0.01">The {HIDDEN}.</p><p style="filter:opacity(0)">ninety</p>'
        '<p style="color:transparent">ninety</p><p style="content-visibility:hidden">ninety</p>',
    ),
    unseen(
        "around-shown", f'<div style="visibility:hidden">The {HIDDEN}.<p style="visibility:visible">Seen.</p></div>'
    ),
]

_SHOWN = [
    page(
        "accordion-of-boxes",
        '<input type="checkbox" id="a"><label for="a">Can I pay by card?</label><div class="panel">Yes, at the desk.'
        "</div>",
        "Can I pay by card?",
        "Yes, at the desk.",
        head="<style>.panel{display:none} input:checked ~ .panel{display:block}</style>",
    ),
    page(
        "tabs-by-class",
        '<div class="pane active">Use apt.</div><div class="pane">Use brew.</div>',
        "Use apt.",
        "Use brew.",
        head="<style>.pane{display:none} .pane.active{display:block}</style>",
    ),
    page(
        "tabs-by-script",
        '<button onclick="show(event, \'mac\')">Mac</button><p>Choose.</p><div id="mac" class="x">Use brew.</div>',
        "Use brew.",
        head=_LATER,
    ),
    page(
        "tooltip",
        '<p class="tip">Ullage<span class="more"> is the space above the liquid.</span></p>',
        "Ullage is the space above the liquid.",
        head="<style>.more{visibility:hidden} .tip:hover .more{visibility:visible}</style>",
    ),
    page(
        "no-gaps-between-items",
        '<ul style="font-size:0"><li style="font-size:16px">Hull</li><li style="font-size:1rem">Deck</li></ul>',
        "* Hull\n* Deck",
    ),
    page(
        "dark-page",
        '<p style="color:#fff">White on black.</p>',
        "White on black.",
        head="<style>:root{--ground:#000} body{background:var(--ground)}</style>",
    ),
    page(
        "unknown-ground",
        '<div style="background:var(--x)"><p style="color:#fff">White on a color.</p></div>',
        "White on",
    ),
    page(
        "letters-of-a-gradient",
        '<h1 style="background:linear-gradient(red,blue);background-clip:text;color:transparent">Annual plan</h1>',
        "# Annual plan",
    ),
    page(
        "small-screens",
        '<p class="phone">On telephones.</p><p class="desk">On desktops.</p>',
        "On desktops.",
        hidden=("On telephones.",),
        head="<style>.phone{display:none} @media (max-width:600px){.phone{display:block} .desk{display:none}}</style>",
    ),
    page(
        "slides-open",
        '<div style="max-height:0;overflow:hidden;transition:max-height .2s">Yes, at the desk.</div>',
        "Yes, at the desk.",
    ),
]

CASES = [*_HIDDEN, *_SHOWN]
