/** The few parts of Node that these tests use, since its types are no dependency of a page. */

declare module "node:http" {
  export interface IncomingMessage {
    readonly url: string;
    readonly method: string;
    readonly headers: Readonly<Record<string, string | undefined>>;
    on(event: "data", listener: (chunk: Uint8Array) => void): this;
    on(event: "end" | "close", listener: () => void): this;
  }
  export interface ServerResponse {
    readonly writableEnded: boolean;
    writeHead(status: number, headers?: Readonly<Record<string, string>>): this;
    write(chunk: string | Uint8Array): boolean;
    end(chunk?: string | Uint8Array): this;
    destroy(): this;
    on(event: "close" | "drain", listener: () => void): this;
    once(event: "drain", listener: () => void): this;
    flushHeaders(): void;
    sendDate: boolean;
  }
  export interface Server {
    listen(port: number, host: string, listener: () => void): this;
    close(listener: () => void): this;
    closeAllConnections(): void;
    address(): { readonly port: number };
    on(event: "error", listener: (error: Error) => void): this;
  }
  export function createServer(listener: (request: IncomingMessage, response: ServerResponse) => void): Server;
}

declare module "node:fs" {
  export function readFileSync(path: URL | string, encoding: "utf8"): string;
}

declare module "node:v8" {
  export function setFlagsFromString(flags: string): void;
}

declare module "node:vm" {
  export function runInNewContext(code: string): unknown;
}

declare module "node:process" {
  export const env: Readonly<Record<string, string | undefined>>;
  export function memoryUsage(): { readonly heapUsed: number };
}
