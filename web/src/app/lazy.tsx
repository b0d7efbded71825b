// Pages that are loaded when they are first opened.
import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ErrorNote, Skeleton } from "../ui/basic";
import { ApiError } from "../lib/api";

export function lazy_page<P extends object>(load: () => Promise<ComponentType<P>>): ComponentType<P> {
  let loaded: ComponentType<P> | null = null;
  return function Lazy(props: P) {
    const [Page, set_page] = useState<ComponentType<P> | null>(() => loaded);
    const [error, set_error] = useState<unknown>(null);
    useEffect(() => {
      if (loaded) return;
      load().then(
        (page) => {
          loaded = page;
          set_page(() => page);
        },
        () => set_error(new ApiError(0, "offline", "A part of the console could not be loaded.")),
      );
    }, []);
    if (Page) return <Page {...props} />;
    return (
      <div class="page">
        {error ? <ErrorNote error={error} retry={() => location.reload()} /> : <Skeleton />}
      </div>
    );
  };
}
