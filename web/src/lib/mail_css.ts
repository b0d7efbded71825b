// The styles of a mail, taken apart and put together again from declarations that can neither load nor cover
// anything. Works on the browser's own parse (CSSOM), never on the text, and runs no style of the mail in
// this page.

const kAllowed = new RegExp(
  "^(color|background-color|opacity|visibility|display|direction|unicode-bidi|float|clear|overflow(-wrap|-x|-y)?|" +
    "font(-(family|size|style|weight|variant|stretch|variant-caps))?|line-height|letter-spacing|word-spacing|word-break|" +
    "text-(align|align-last|decoration(-(line|style|color|thickness))?|indent|transform|overflow)|white-space(-collapse)?|" +
    "text-wrap(-mode)?|vertical-align|width|height|(min|max)-(width|height)|box-sizing|box-shadow|" +
    "(margin|padding)(-(top|right|bottom|left|block-start|block-end|inline-start|inline-end))?|" +
    "border(-(top|right|bottom|left))?(-(color|style|width))?|border-(top|bottom)-(left|right)-radius|" +
    "border-(collapse|spacing)|caption-side|empty-cells|table-layout|list-style-(type|position)|" +
    "flex-(basis|direction|flow|grow|shrink|wrap)|align-(content|items|self)|justify-content|(row-|column-)?gap)$",
);
const kLoads =
  /url\s*\(|image-set\s*\(|image\s*\(|cross-fade\s*\(|element\s*\(|paint\s*\(|var\s*\(|env\s*\(|\\/i;
const kRulesMax = 4000;

/** The harmless declarations of a parsed style, as CSS. */
export function safe_declarations(style: CSSStyleDeclaration): string {
  let out = "";
  for (let i = 0; i < style.length; i++) {
    const name = style.item(i);
    const value = style.getPropertyValue(name);
    if (value === "" || !kAllowed.test(name) || kLoads.test(value) || /[<>{}]/.test(value)) continue;
    out += `${name}:${value}${style.getPropertyPriority(name) === "important" ? "!important" : ""};`;
  }
  return out;
}

/** The text of a style attribute made harmless. */
export function safe_inline(text: string, scratch: HTMLElement): string {
  scratch.style.cssText = text;
  const out = safe_declarations(scratch.style);
  scratch.style.cssText = "";
  return out;
}

/**
 * A style sheet made harmless: rules and media queries stay; imports, fonts, key frames and the rest do not.
 */
export function safe_sheet(text: string): string {
  const sheet = new CSSStyleSheet();
  try {
    sheet.replaceSync(text);
  } catch {
    return "";
  }
  const budget = { rules: kRulesMax };
  return rules_of(sheet.cssRules, budget, 0);
}

function rules_of(rules: CSSRuleList, budget: { rules: number }, depth: number): string {
  let out = "";
  for (const rule of Array.from(rules)) {
    if (budget.rules-- <= 0 || depth > 3) break;
    if (rule instanceof CSSStyleRule) {
      const declarations = safe_declarations(rule.style);
      if (declarations !== "" && !/[<>]\s*\/|[{}]/.test(rule.selectorText)) {
        out += `${rule.selectorText}{${declarations}}`;
      }
    } else if (rule instanceof CSSMediaRule && !/[{}<]/.test(rule.conditionText)) {
      out += `@media ${rule.conditionText}{${rules_of(rule.cssRules, budget, depth + 1)}}`;
    }
  }
  return out;
}
