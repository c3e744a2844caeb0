"""Pages as people have them: frameworks' accordions, admonitions, forms around pages, code tables, hidden text."""

from tests.support.document_cases.case import Case

HIDDEN = "warranty is ninety years"


def page(
    name: str, body: str, *shown: str, hidden: tuple[str, ...] = (), head: str = "", title: str | None = None
) -> Case:
    """A case of a page with this body."""
    content = f"<!DOCTYPE html><html><head>{head}</head><body>{body}</body></html>".encode()
    return Case(f"html-{name}", f"{name}.html", content, shown, hidden, title)


def unseen(name: str, element: str, head: str = "") -> Case:
    """A case of a text that nobody sees between two that everyone sees."""
    body = f"<h1>Supplier sheet</h1><p>The paint dries in nine hours.</p>{element}<p>It is sold in tins.</p>"
    return page(
        name, body, "The paint dries in nine hours.", "It is sold in tins.", hidden=(HIDDEN, "ninety"), head=head
    )


_FURNITURE = [
    page(
        "accordion-button",
        '<main><h1>Help</h1><h2 class="accordion-header"><button class="accordion-button">How long does a refund take?'
        '</button></h2><div class="accordion-collapse collapse"><p>Five working days.</p></div></main>',
        "# Help",
        "## How long does a refund take?",
        "Five working days.",
    ),
    page(
        "accordion-by-script",
        '<style>.panel{display:none}</style><button class="accordion" onclick="x()">Returns</button>'
        '<div class="panel"><p>Within thirty days.</p></div>',
        "Returns",
        "Within thirty days.",
    ),
    page(
        "tabs",
        '<ul role="tablist"><li><a href="#linux" aria-controls="linux">Linux</a></li><li><a href="#mac">Mac</a>'
        "</li></ul>"
        '<div id="linux">Use apt.</div><div id="mac" style="display:none">Use brew.</div>'
        '<div role="tabpanel" hidden>Use winget.</div>',
        "Use apt.",
        "Use brew.",
        "Use winget.",
    ),
    page(
        "details",
        "<details><summary>Can I pay by card?</summary>Yes, at the desk.</details>",
        "Can I pay by card?\n\nYes, at the desk.",
    ),
    page(
        "aside-warning",
        '<h1>Pump</h1><p>Unscrew the bolts.</p><aside class="admonition warning"><p>Warning: close valve V7 first.</p>'
        "</aside><p>Lift the pump out.</p>",
        "Unscrew the bolts.",
        "Warning: close valve V7 first.",
        "Lift the pump out.",
    ),
    page(
        "whole-page-in-form",
        '<form method="post"><input type="hidden" name="__VIEWSTATE" value="abc"><div><h1>Leave policy</h1>'
        '<p>Twenty-seven days of paid leave a year.</p></div><input type="submit" value="Go"></form>',
        "# Leave policy",
        "Twenty-seven days of paid leave a year.",
        hidden=("abc", "Go"),
    ),
    page(
        "filled-fields",
        '<form><label>Number plate</label><input value="XK 90417" readonly><label>Fuel</label><select><option>Petrol'
        '<option selected>Diesel</select><input type="password" value="secret"><textarea>Scratch on the lid</textarea>'
        "</form>",
        "Number plate XK 90417 Fuel Diesel",
        "Scratch on the lid",
        hidden=("Petrol", "secret"),
    ),
    page(
        "footer-contact",
        "<h1>Contact</h1><p>Write to us.</p><footer><ul><li><a href='/a'>Imprint</a></li><li><a "
        "href='/b'>Privacy</a></li>"
        "</ul><address>Emergency line: 0800 555 010</address></footer>",
        "Write to us.",
        "Emergency line: 0800 555 010",
        hidden=("Imprint", "Privacy"),
    ),
    page(
        "header-with-title",
        "<header><nav><a href='/'>Home</a> <a href='/x'>Shop</a></nav><h1>Annual plan</h1><p>As of 9 May</p></header>"
        "<p>Ten people are hired.</p>",
        "# Annual plan",
        "As of 9 May",
        "Ten people are hired.",
        hidden=("Home", "Shop"),
        title="Annual plan",
    ),
    page(
        "only-links",
        "<nav><ul><li><a href='/a'>Pumps</a></li><li><a href='/b'>Valves</a></li></ul></nav>",
        "Pumps",
        "Valves",
    ),
    page(
        "skip-link-and-marks",
        '<a class="skip-link" href="#main">Skip to content</a><h2>Valves<a class="headerlink" href="#valves">¶</a></h2>'
        '<i class="material-icons">arrow_forward</i><p>Open slowly.</p>',
        "## Valves\n\nOpen slowly.",
        hidden=("Skip", "¶", "arrow_forward"),
    ),
    page(
        "noscript-only",
        '<div id="root"></div><noscript><h1>Opening hours</h1><p>Open from eight to four.</p></noscript>',
        "# Opening hours",
        "Open from eight to four.",
    ),
    page(
        "noscript-beside-text",
        "<p>Open from eight to four.</p><noscript>Please enable JavaScript.</noscript>",
        "Open from eight to four.",
        hidden=("JavaScript",),
    ),
]

_HIDDEN = [
    unseen("display-none", f'<div style="display:none">The {HIDDEN}.</div><span hidden>ninety keywords</span>'),
    unseen("display-none-spaced", f'<div style="color:red; DISPLAY : none !important">The {HIDDEN}.</div>'),
    unseen(
        "sheet-class",
        f'<p class="h">The {HIDDEN}.</p>',
        "<style>p, .h{display:none} p{display:block} p.h{display:none}</style>",
    ),
    unseen("sheet-id", f'<p id="h">The {HIDDEN}.</p>', "<style>/* x */ body #h { visibility: hidden }</style>"),
    unseen("sheet-media", f'<p class="h">The {HIDDEN}.</p>', "<style>@media screen { .h { display: none } }</style>"),
    unseen("off-screen", f'<p style="position:absolute;left:-9999px">The {HIDDEN}.</p>'),
    unseen("indented-away", f'<p style="text-indent:-9999px">The {HIDDEN}.</p>'),
    unseen("no-size", f'<p style="font-size:0">The {HIDDEN}.</p><p style="font-size: 0.1px">ninety</p>'),
    unseen("transparent", f'<p style="opacity:0">The {HIDDEN}.</p>'),
    unseen("no-height", f'<div style="height:0;overflow:hidden">The {HIDDEN}.</div>'),
    unseen("clipped", f'<p style="position:absolute;clip:rect(0,0,0,0)">The {HIDDEN}.</p>'),
    unseen("white-on-white", f'<p style="color:#fff">The {HIDDEN}.</p><font color="white">ninety</font>'),
    unseen(
        "color-of-ground", f'<div style="background:#123456"><p style="color:rgb(18,52,86)">The {HIDDEN}.</p></div>'
    ),
    unseen("screen-readers", f'<span class="visually-hidden">The {HIDDEN}.</span><p class="sr-only">ninety</p>'),
    unseen("classes", f'<p class="d-none">The {HIDDEN}.</p><p class="hidden">ninety</p>'),
    unseen("template", f"<template><p>The {HIDDEN}.</p></template>"),
    unseen("closed-dialog", f"<dialog>The {HIDDEN}.</dialog>"),
    unseen("comment", f"<!-- The {HIDDEN}. --><![CDATA[ninety]]>"),
    unseen("fallbacks", f"<canvas>The {HIDDEN}.</canvas><video>ninety</video><audio>ninety</audio>"),
    unseen("cookies", f'<div role="dialog" class="cookie-consent">We use ninety cookies, and the {HIDDEN}.</div>'),
    unseen("pixel", f'<img src="t.gif" width="1" height="1" alt="The {HIDDEN}">'),
    page(
        "xbrl-header",
        '<div style="display:none"><ix:header><ix:hidden><ix:nonNumeric name="x">0000099999</ix:nonNumeric></ix:hidden>'
        "</ix:header></div><h1>Annual report</h1><p>Sales rose by four percent.</p>",
        "# Annual report",
        "Sales rose",
        hidden=("0000099999",),
    ),
    page(
        "not-hidden",
        "<style>@media print {.p{display:none}} .a{display:none} .a.b{display:block} .c:hover{display:none}</style>"
        '<p class="p">On screens.</p><p class="a b">Shown again.</p><p class="c">Under the pointer.</p>'
        '<div style="background:#000"><p style="color:white">White on black.</p></div><p aria-hidden="true">For '
        "the eyes."
        '</p><div class="d-none d-md-block">On wide screens.</div><dialog open>Open dialog.</dialog>'
        '<section style="opacity:0;transform:translateY(20px)">Fades in.</section><p hidden="until-found">Found.</p>',
        "On screens.",
        "Shown again.",
        "Under the pointer.",
        "White on black.",
        "For the eyes.",
        "On wide screens.",
        "Open dialog.",
        "Fades in.",
        "Found.",
    ),
]

_TABLES = [
    page(
        "rowspan",
        "<table><tr><th>Zone</th><th>Weight</th><th>Price</th></tr><tr><td rowspan=2>North</td><td>1 kg</td>"
        "<td>4.10</td>"
        "</tr><tr><td>5 kg</td><td>7.30</td></tr></table>",
        "| Zone | Weight | Price |\n| --- | --- | --- |\n| North | 1 kg | 4.10 |\n| North | 5 kg | 7.30 |",
    ),
    page(
        "rowspan-and-colspan",
        "<table><caption>Fees in euro</caption><thead><tr><th rowspan=2>Ship</th><th colspan=2>Season</th></tr><tr>"
        "<th>Low</th><th>High</th></tr></thead><tbody><tr><td>Ferry</td><td colspan=2>12</td></tr><tr><td colspan=3>"
        "Private</td></tr><tr><td>Yacht</td><td>8</td><td rowspan=0>10</td></tr><tr><td>Boat</td><td>4</td></tr>"
        "</table>",
        "Fees in euro",
        "| Ship | Season Low | Season High |",
        "| Ferry | 12 | 12 |\n| Private |  |  |\n| Yacht | 8 | 10 |\n| Boat | 4 | 10 |",
    ),
    page(
        "table-without-header",
        "<table><tr><td>Machine</td><td>Interval</td></tr><tr><td>Press | left</td><td>2 weeks</td></tr></table>",
        "| Machine | Interval |\n| --- | --- |\n| Press \\| left | 2 weeks |",
    ),
    page(
        "table-of-properties",
        "<table><tr><th>Weight</th><td>12 kg</td></tr><tr><th>Voltage</th><td>230 V</td></tr></table>",
        "- Weight: 12 kg\n- Voltage: 230 V",
    ),
    page(
        "layout-table",
        '<table width="100%"><tr><td><a href="/">Home</a></td><td><table><tr><td><h1>Valve care</h1><p>Grease '
        "the spindle."
        "</p><p>Never use force.</p></td></tr></table></td></tr></table>",
        "# Valve care\n\nGrease the spindle.\n\nNever use force.",
        hidden=("|",),
        title="Valve care",
    ),
    page(
        "mail-in-tables",
        '<table role="presentation"><tr><td>Dear customer,</td><td>12345</td></tr></table><table><tr><td><p>Your '
        "parcel is "
        "late.</p></td></tr><tr><td><table><tr><th>Item</th><th>Date</th></tr><tr><td>Pump</td><td>9 May</td>"
        "</tr></table>"
        "</td></tr></table>",
        "Dear customer,",
        "Your parcel is late.",
        "| Item | Date |\n| --- | --- |\n| Pump | 9 May |",
    ),
    page(
        "table-in-a-cell",
        "<table><tr><th>Machine</th><th>Parts</th></tr><tr><td>Press</td><td><table><tr><th>No</th><th>Part</th></tr>"
        "<tr><td>1</td><td>Bolt</td></tr><tr><td>2</td><td>Nut</td></tr></table></td></tr></table>",
        "| Machine | Parts |\n| --- | --- |\n| Press | No: 1, Part: Bolt; No: 2, Part: Nut |",
    ),
    page(
        "table-by-roles",
        '<div role="table"><div role="row"><span role="columnheader">Zone</span><span role="columnheader">Price</span>'
        '</div><div role="row"><span role="cell">North</span><span role="cell">7.30</span></div></div>',
        "| Zone | Price |\n| --- | --- |\n| North | 7.30 |",
    ),
    page(
        "cells-with-blocks",
        "<table><tr><th>Step</th><th>Tools</th></tr><tr><td><p>Open.</p><p>Look.</p></td><td><ul><li>key<li>lamp"
        "</ul></td>"
        "</tr><tr><td>a<br>b</td><td><pre>x = 1</pre></td></tr></table>",
        "| Open. Look. | key; lamp |",
        "| a b |",
        "x = 1",
    ),
    page(
        "code-linenumbers",
        '<div class="highlight-python"><table><tr><td class="linenos"><pre>1\n2\n3</pre></td><td class="code">'
        "<pre><span>"
        "def</span> ship(x):\n    if x &lt; 3:\n        return x</pre></td></tr></table></div>",
        "```python\ndef ship(x):\n    if x < 3:\n        return x\n```",
    ),
    page(
        "code-hexo",
        '<figure class="highlight"><table><tr><td class="gutter"><pre><span class="line">1</span><br><span '
        'class="line">2'
        '</span></pre></td><td class="code"><pre><span class="line">if x:</span><br><span class="line">    go()</span>'
        "</pre></td></tr></table></figure>",
        "```\nif x:\n    go()\n```",
    ),
    page(
        "code-github",
        '<table class="highlight"><tr><td class="blob-num" data-line-number="1"></td><td class="blob-code">if x:'
        "</td></tr>"
        '<tr><td class="blob-num" data-line-number="2"></td><td class="blob-code">    go()</td></tr></table>',
        "```\nif x:\n    go()\n```",
    ),
    page(
        "code-hljs",
        '<pre><code class="language-js"><table class="hljs-ln"><tr><td class="hljs-ln-numbers" '
        'data-line-number="1"></td>'
        '<td class="hljs-ln-code">if (x) {</td></tr><tr><td class="hljs-ln-numbers"></td><td '
        'class="hljs-ln-code">  go()'
        "</td></tr></table></code></pre>",
        "```js\nif (x) {\n  go()\n```",
    ),
    page(
        "code-inline-numbers",
        '<pre><button class="copy">Copy</button><span class="linenos">1</span>if x:\n<span class="linenos">2'
        "</span>    go()"
        "\n</pre>",
        "```\nif x:\n    go()\n```",
        hidden=("Copy",),
    ),
    page("code-lines-as-blocks", "<pre><div>if x:</div><div>    go()</div></pre>", "```\nif x:\n    go()\n```"),
    page("code-with-fence", "<pre>~\n```\nx\n```</pre>", "~~~~\n~\n```\nx\n```\n~~~~"),
]

_INLINE = [
    page(
        "sup-alt",
        '<p>The limit is <img src="eq.png" alt="F = 3 k x"> at rest, 10<sup>6</sup> cycles, H<sub>2</sub>O, log'
        "<sub>10</sub>"
        '100, the 1<sup>st</sup>.</p><figure><img src="d.png" alt="brown wire to L1"><figcaption>Figure 1.'
        "</figcaption></figure>",
        "The limit is F = 3 k x at rest, 10^6 cycles, H2O, log_10100, the 1st.",
        "brown wire to L1",
        "Figure 1.",
    ),
    page(
        "pictures",
        '<p>A<img src="data:image/png;base64,iVBORw0KGgo=" alt="">B <img src="x.png" alt="IMG_2034.jpg"></p>'
        '<svg><title>Flow</title><text x="1">Inlet</text><text>Outlet</text></svg>',
        "AB",
        "Flow Inlet Outlet",
        hidden=("base64", "IMG_2034"),
    ),
    page(
        "formulas",
        '<p>So <span class="katex"><span class="katex-mathml"><math><semantics><mrow><mi>a</mi></mrow><annotation '
        'encoding="application/x-tex">a^2</annotation></semantics></math></span><span class="katex-html" '
        'aria-hidden="true">'
        "a2</span></span> holds.</p><math><mfrac><mi>x</mi><msup><mi>y</mi><mn>3</mn></msup></mfrac></math>"
        '<script type="math/tex">E = mc^2</script>',
        "So $a^2$ holds.",
        "x/y^3",
        "$E = mc^2$",
        hidden=("a2",),
    ),
    page(
        "lists",
        "<dl><dt>Berth</dt><dd>Where a ship lies.</dd></dl><ol start=3><li>Cast off<ul><li>fore</li><li>aft</li>"
        "</ul></li>"
        "<li>Sail</li></ol>",
        "Berth",
        "Where a ship lies.",
        "3. Cast off\n   * fore\n   * aft\n4. Sail",
    ),
    page(
        "labels-of-items",
        '<ol type="a"><li>fore</li><li>aft</li></ol><ol reversed><li>last</li><li>first</li></ol><ol><li value="10">ten'
        '</li><li>eleven</li></ol><ol style="list-style-type: upper-roman" start="4"><li>four</li></ol>',
        "a. fore\nb. aft",
        "2. last\n1. first",
        "10. ten\n11. eleven",
        "IV. four",
    ),
    page(
        "emphasis-in-words",
        "<p>The <b>b</b>erth and the un<i>load</i>ing, 9<del>0</del>5 <b>ships</b>.</p>",
        "The berth and the unloading, 9~~0~~5 **ships**.",
    ),
    page(
        "mathml",
        "<p><math><msubsup><mi>x</mi><mn>1</mn><mn>2</mn></msubsup></math>, <math><munderover><mo>∑</mo><mi>i</mi>"
        "<mi>n</mi></munderover></math>, <math><mroot><mi>y</mi><mn>3</mn></mroot></math></p>",
        "x_1^2, ∑_i^n, root(3, y)",
    ),
    page(
        "shadow-tree",
        "<x-card><template shadowrootmode=open><p>Open from eight to four.</p></template></x-card>",
        "Open from eight to four.",
    ),
    page(
        "frame-in-page",
        "<iframe srcdoc='&lt;p&gt;Opening hours&lt;/p&gt;'>old</iframe>",
        "Opening hours",
        hidden=("old",),
    ),
    page(
        "signs-by-number",
        "<p>&#128; 45 &#150; &#147;final&#148;&#133; &nbsp;&amp; &lt;b&gt;</p>",
        "€ 45 – “final”…",
        "& <b>",
    ),
    page("line-breaks", "<p>Pier 4<br>Harbour<br/>Kiel</p><p>co<wbr>operate</p>", "Pier 4\nHarbour\nKiel", "cooperate"),
    page("ruby", "<p><ruby>京都<rp>(</rp><rt>きょうと</rt><rp>)</rp></ruby>へ行く</p>", "京都(きょうと)へ行く"),
    page(
        "blocks", "<address>Pier 4</address><address>Kiel</address><center>Centre</center>", "Pier 4\n\nKiel\n\nCentre"
    ),
    Case(
        "html-frames",
        "frames.html",
        b'<html><frameset><frame src="menu.html"><noframes><p>Opening hours</p></noframes></frameset></html>',
        ("Opening hours",),
        warned=("menu.html",),
    ),
]

CASES = [*_FURNITURE, *_HIDDEN, *_TABLES, *_INLINE]
