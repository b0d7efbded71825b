export function Showcase() { return <div class="page" />; }
