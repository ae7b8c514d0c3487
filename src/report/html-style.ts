/** The look of a report: quiet, on light and dark, on a phone, on paper. */

// Hues after Okabe and Ito (2008), darkened and lightened until each stands 3:1 against its ground (WCAG 2.2, 1.4.11).
const LIGHT = `
--ground:#fdfdfb;--sheet:#fff;--ink:#1b1d21;--muted:#5b616b;--rule:#dfe1e4;--grid:#eceef0;--zone:#e9ebee;--on:#fff;
--t0:#0067a5;--t1:#c24f00;--t2:#007d5a;--t3:#a34a8c;--t4:#996a00;--t5:#38809f;--plain:#6b7280;--bad:#b3201a;--good:#00714f`
const DARK = `
--ground:#131518;--sheet:#1a1d21;--ink:#e8eaed;--muted:#a3a9b3;--rule:#33373d;--grid:#272b30;--zone:#2c3036;--on:#101214;
--t0:#6db6ee;--t1:#ff9b5c;--t2:#45c99b;--t3:#e59ac6;--t4:#ecb842;--t5:#9fd8f7;--plain:#9aa3ad;--bad:#ff7a70;--good:#45c99b`

export const STYLE = `
:root{color-scheme:light dark;${LIGHT}}
@media screen and (prefers-color-scheme:dark){:root{${DARK}}}
*{box-sizing:border-box}
html{scroll-behavior:smooth;-webkit-text-size-adjust:100%}
@media (prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
body{margin:0;background:var(--ground);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;overflow-wrap:anywhere}
.skip{position:absolute;left:-999px}
.skip:focus{left:1rem;top:1rem;background:var(--sheet);padding:.5rem 1rem;z-index:1}
header,main,footer,nav{max-width:1240px;margin:0 auto;padding:0 24px}
header{padding-top:20px}
.top{display:flex;justify-content:space-between;align-items:center;gap:16px;margin-bottom:6px}
.brand{display:flex;align-items:center;gap:8px;margin:0;color:var(--muted);font-size:13px;letter-spacing:.02em}
.brand svg{width:13px;height:22px}
h1{font-size:16px;font-weight:600;margin:0}
.verdict{font-size:clamp(19px,2.1vw,25px);line-height:1.3;font-weight:500;letter-spacing:-.01em;margin:0 0 8px;max-width:58em;padding-left:14px;border-left:4px solid var(--plain)}
.verdict.good{border-color:var(--good)}
.verdict.bad{border-color:var(--bad)}
.verdict.unsure{border-color:var(--t4)}
.more{margin:0 0 8px;padding-left:18px;list-style:none}
.about{display:flex;flex-wrap:wrap;gap:2px 18px;margin:0;padding:0 0 0 18px;list-style:none;color:var(--muted);font-size:13px}
nav{margin-top:10px}
nav ul{display:flex;flex-wrap:wrap;gap:2px 16px;margin:0;padding:6px 0;list-style:none;font-size:13px;border-block:1px solid var(--rule)}
a{color:var(--t0);text-underline-offset:3px;text-decoration-thickness:1px}
nav a{color:var(--ink);text-decoration-color:var(--rule)}
nav a:hover{text-decoration-color:currentColor}
:focus-visible{outline:2px solid var(--t0);outline-offset:2px;border-radius:2px}
section{margin:18px 0 28px}
h2{font-size:19px;font-weight:600;letter-spacing:-.01em;margin:0 0 2px}
.lead{margin:0 0 10px;color:var(--muted);max-width:62em}
.blocks{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,330px),1fr));gap:16px;margin-top:8px}
.block{margin:0;min-width:0;background:var(--sheet);border:1px solid var(--rule);border-radius:8px;padding:12px 16px;container-type:inline-size}
.wide{grid-column:1/-1}
h3{font-size:14px;font-weight:600;margin:0 0 4px}
.flag{float:right;margin-left:10px;font-size:12.5px}
.legend{display:flex;flex-wrap:wrap;gap:0 14px;margin:0 0 6px;padding:0;list-style:none;font-size:12.5px;color:var(--muted)}
.legend svg{width:22px;height:10px;margin-right:5px;vertical-align:-1px}
.note{font-size:12.5px;line-height:1.45;color:var(--muted);margin:4px 0 8px}
.picture svg{display:block;width:100%;height:auto;overflow:visible}
.pair .picture svg{max-width:420px}
.phone{display:none}
@container (min-width:760px){.pair{display:grid;grid-template-columns:minmax(0,420px) minmax(0,1fr);gap:28px;align-items:start}}
.whole{display:flex;flex-wrap:wrap;gap:0 18px}
.whole>.picture{flex:1 0 100%;min-width:0}
.whole>.note{margin:4px 0 0;flex:1 1 auto}
.whole>details{margin:0;min-width:0}
.whole>details[open]{flex:1 0 100%}
.scroll{overflow-x:auto}
@media (max-width:640px){header,main,footer,nav{padding-inline:14px}.block{padding:12px}.scroll .broad{min-width:820px}.desk{display:none}.phone{display:block}}
svg text{font-size:12.5px;fill:var(--muted);font-family:inherit;font-variant-numeric:tabular-nums}
svg .name{fill:var(--ink)}
svg .total{fill:var(--ink);font-weight:600}
svg .inside{fill:var(--on)}
svg .marked{font-size:11.5px;fill:var(--ink)}
.t-0{--c:var(--t0)}.t-1{--c:var(--t1)}.t-2{--c:var(--t2)}.t-3{--c:var(--t3)}.t-4{--c:var(--t4)}.t-5{--c:var(--t5)}.t-plain{--c:var(--plain)}.t-bad{--c:var(--bad)}
.grid{stroke:var(--grid)}.axis{stroke:var(--muted)}.tick{stroke:var(--muted)}
.mark{stroke:var(--ink);stroke-dasharray:2 3}
.zone{fill:var(--zone)}
.dots,.line,.ticks,.median,.reach,.centre{fill:none;stroke:var(--c)}
.dots{stroke-width:4;stroke-linecap:round;opacity:.55}
.dots.t-1,.dots.t-4{stroke-linecap:square;stroke-width:3.4}
.dots.t-bad{stroke-width:1.6;opacity:.9}
.dots.base{opacity:.28}
.dots.sign{stroke-width:7;opacity:1}
.dots.sign.t-bad{stroke-width:1.6}
.line{stroke-width:2;stroke-linejoin:round}
.line.t-plain{stroke-width:1.2}
.line.base{stroke-dasharray:6 4;stroke-width:1.6;opacity:.8}
.band{fill:var(--c);opacity:.13}
.band.base{opacity:.06}
.edge{fill:var(--c)}
.ticks{stroke-width:1.6}
.part{fill:var(--c)}
.part.base{opacity:.5}
.part.base+.inside{fill:var(--ink)}
.box{fill:var(--c);opacity:.2}
.box.base{opacity:.1}
.box~.dots{stroke-width:3;opacity:.5}
.median{stroke-width:2.4}
.reach{stroke-width:1.8}
.centre{stroke-width:8;stroke-linecap:round}
svg .judged{fill:var(--c);font-weight:600}
table{border-collapse:collapse;width:100%;font-size:13px;font-variant-numeric:tabular-nums}
caption{overflow-wrap:anywhere;text-align:left;color:var(--muted);font-size:12.5px;padding-bottom:2px}
th,td{text-align:left;padding:3px 14px 3px 0;border-bottom:1px solid var(--grid);vertical-align:top;overflow-wrap:break-word}
.long{overflow-wrap:anywhere;min-width:9em}
th{font-weight:500;color:var(--muted)}
tbody th{color:var(--ink);font-weight:400}
.r{text-align:right;white-space:nowrap}
td:last-child,th:last-child{padding-right:0}
.good-cell{color:var(--good);font-weight:600}.bad-cell{color:var(--bad);font-weight:600}
details{margin-top:6px}
summary{cursor:pointer;color:var(--muted);font-size:13px;padding:2px 0}
dl{display:grid;grid-template-columns:minmax(110px,max-content) minmax(0,1fr);gap:3px 18px;margin:4px 0 0;font-size:13.5px}
dt{color:var(--muted)}
dd{margin:0}
.items{margin:4px 0 0;padding-left:18px;font-size:14px}
pre{white-space:pre-wrap;margin:8px 0 0;font:12.5px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
footer{padding-block:6px 40px;color:var(--muted);font-size:12.5px}
@media print{
body{font-size:11px}nav,.skip{display:none}header,main,footer{max-width:none;padding-inline:0}
.block{break-inside:avoid;border-color:#ccc}.scroll{overflow:visible}
details::details-content{content-visibility:visible;display:block;block-size:auto}
svg *,td,th{print-color-adjust:exact;-webkit-print-color-adjust:exact}
}
`
