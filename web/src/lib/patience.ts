// Times that the browser tests lengthen, for machines that stand still now and then: by numbers in
// `countersign_patience`, which are there before the page begins. Nothing that is served sets it, and no mail
// can: each time is read once, when its module is loaded, and only a longer number counts.
interface Patient {
  countersign_patience?: Record<string, unknown>;
}

export function patience(name: string, usual: number): number {
  const given = (globalThis as Patient).countersign_patience?.[name];
  return typeof given === "number" && given > usual ? given : usual;
}
