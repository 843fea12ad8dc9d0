/** One file that classifies pictures in a browser, without a network: `descent export --to webpage`, and Teach on the page. */
import { escaped } from '../../plots/sheet.ts';

const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 46rem; margin: 0 auto; padding: 1rem; }
label.drop { display: block; padding: 2rem 1rem; border: 2px dashed GrayText; border-radius: 12px; text-align: center; cursor: pointer; }
label.drop:focus-within { outline: 3px solid Highlight; }
label.drop input { display: block; margin: 0.75rem auto 0; max-width: 100%; }
#results { list-style: none; padding: 0; }
#results li { display: flex; flex-wrap: wrap; gap: 1rem; padding: 1rem 0; border-bottom: 1px solid GrayText; }
#results img { width: 9rem; max-height: 9rem; object-fit: contain; }
#results li > div { flex: 1 1 16rem; }
.bar { display: grid; grid-template-columns: minmax(6rem, 1fr) 2fr 4rem; gap: 0.5rem; align-items: center; }
.bar meter { width: 100%; }
.bar span:last-child { text-align: right; font-variant-numeric: tabular-nums; }
`;
/** Nothing is loaded from anywhere, and nothing can be sent. */
const POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src blob: data:";

/** Bytes of which letters are made at once: more would be more arguments than a call takes. */
const CHUNK = 2 ** 15;

function base64(bytes: Uint8Array): string {
  let letters = '';
  for (let at = 0; at < bytes.length; at += CHUNK) letters += String.fromCharCode(...bytes.subarray(at, at + CHUNK));
  return btoa(letters);
}

/** The page around a net as an ONNX file; `script` is main.ts in one file. `grey` offers to swap light and dark. */
export function webpage(title: string, net: Uint8Array, script: string, grey: boolean): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<title>${escaped(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${escaped(title)}</h1>
<label class="drop">Drop pictures here, paste one, or choose some; they stay on this machine.
<input id="choose" type="file" accept="image/*" multiple></label>
<p ${grey ? '' : 'hidden'}><label><input id="invert" type="checkbox"> Swap light and dark first</label></p>
<p id="status" role="status">Loading …</p>
<ol id="results" aria-live="polite"></ol>
</main>
<noscript>This page computes with JavaScript and WebGPU; switch JavaScript on.</noscript>
<script type="application/octet-stream" id="net">${base64(net)}</script>
<script type="module">${script.replace(/<\/(?=script)/gi, '<\\/').replace(/<!--/g, '<\\!--')}</script>
</body>
</html>
`;
}

/** The net in the text of such a page; undefined where there is none. */
export function netInPage(text: string): Uint8Array<ArrayBuffer> | undefined {
  const letters = /<script type="application\/octet-stream" id="net">([\w+/=\s]+)</.exec(text)?.[1];
  return letters === undefined ? undefined : Uint8Array.from(atob(letters.trim()), c => c.charCodeAt(0));
}
