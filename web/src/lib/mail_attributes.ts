// Takes style sheets out of HTML text, and renames style attributes, before a browser parses it. A page whose
// policy refuses inline styles would report each of them, although nothing is applied in a document that is
// never shown. What is taken wrongly in broken HTML is a matter of looks only: the sanitiser comes afterwards
// and works on the parsed tree. One pass, linear in the length.
export const kStyleAttribute = "data-cs-style";

const is_space = (c: string | undefined): boolean =>
  c === " " || c === "\n" || c === "\t" || c === "\r" || c === "\f";
const is_letter = (c: string | undefined): boolean => c !== undefined && /[a-z]/i.test(c);

export interface Unstyled {
  html: string;
  sheets: string[]; // what stood in style elements
}

export function take_styles(html: string): Unstyled {
  const sheets: string[] = [];
  const foreign = /<(math|svg)[\s/>]/i.test(html); // there, what stands in a style element may be shown: leave it to the parser
  let out = "";
  let copied = 0; // html before this is in `out`
  let i = 0;
  while ((i = html.indexOf("<", i)) >= 0) {
    if (html.startsWith("<!--", i)) {
      const end = html.indexOf("-->", i + 4);
      if (end < 0) break;
      i = end + 3;
      continue;
    }
    if (!is_letter(html[i + 1])) {
      i++;
      continue;
    }
    const tag_at = i++;
    while (i < html.length && !is_space(html[i]) && html[i] !== ">" && html[i] !== "/") i++;
    const is_sheet = !foreign && html.slice(tag_at + 1, i).toLowerCase() === "style";
    while (i < html.length && html[i] !== ">") {
      while (is_space(html[i]) || html[i] === "/") i++;
      const name_at = i;
      while (
        i < html.length &&
        !is_space(html[i]) &&
        html[i] !== ">" &&
        html[i] !== "/" &&
        (html[i] !== "=" || i === name_at)
      )
        i++;
      if (!is_sheet && i - name_at === 5 && html.slice(name_at, i).toLowerCase() === "style") {
        out += html.slice(copied, name_at) + kStyleAttribute;
        copied = i;
      }
      i = after_value(html, i);
    }
    if (is_sheet) {
      const end = find_end(html, i);
      sheets.push(html.slice(i + 1, end));
      out += html.slice(copied, tag_at);
      copied = i = end; // the end tag stays; alone it means nothing
    }
  }
  return { html: out + html.slice(copied), sheets };
}

function find_end(html: string, from: number): number {
  for (let at = html.indexOf("</", from); at >= 0; at = html.indexOf("</", at + 2)) {
    if (html.slice(at + 2, at + 7).toLowerCase() === "style") return at;
  }
  return html.length;
}

// The end of an attribute's value that begins, perhaps, at `i`.
function after_value(html: string, i: number): number {
  let at = i;
  while (is_space(html[at])) at++;
  if (html[at] !== "=") return i;
  at++;
  while (is_space(html[at])) at++;
  const quote = html[at];
  if (quote === '"' || quote === "'") {
    const end = html.indexOf(quote, at + 1);
    return end < 0 ? html.length : end + 1;
  }
  while (at < html.length && !is_space(html[at]) && html[at] !== ">") at++;
  return at;
}
