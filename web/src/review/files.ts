// Bytes of attachments: reading them from the server, and files of the reviewer.
import { ApiError, at, error_of } from "../lib/api";

const kFileBytesMax = 10 * 1024 * 1024;

export const attachment_path = (id: string, index: number): string =>
  `/console/api${at`/reviews/${id}/attachments/${index}`}`;

export async function fetch_blob(path: string, signal?: AbortSignal): Promise<Blob> {
  let response: Response;
  try {
    response = await fetch(path, { credentials: "same-origin", ...(signal ? { signal } : {}) });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, "offline", "The server cannot be reached.");
  }
  if (!response.ok) throw error_of(response, await response.json().catch(() => null));
  return await response.blob();
}

/** Standard base64 without the data: prefix. */
export function base64_of(blob: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve((reader.result as string).replace(/^[^,]*,/, ""));
    reader.onerror = () => reject(new ApiError(0, "invalid_attachment", "The file cannot be read."));
    reader.readAsDataURL(blob);
  });
}

export async function read_file(
  file: File,
): Promise<{ filename: string; content_type: string; size: number; data: string }> {
  if (file.size > kFileBytesMax)
    throw new ApiError(413, "payload_too_large", `${file.name} is larger than 10 MiB.`);
  return {
    filename: file.name,
    content_type: file.type || "application/octet-stream",
    size: file.size,
    data: await base64_of(file),
  };
}
