/** One who joined those who train together: it asks the host for all that an exchange does. */
import { askingExchange, type Ask } from './exchange.ts';
import { imageMeter, type Group, type Party, type Told } from './group.ts';
import { decode, encode, type Link } from './message.ts';
import { GroupEnded, HostLeft, PULSE, SILENCE, type FromHost, type FromMember } from './protocol.ts';

interface Waiting {
  readonly resolve: (answer: Awaited<ReturnType<Ask>>) => void;
  readonly reject: (error: Error) => void;
}

export class Member implements Party {
  readonly isDue = false;
  #link: Link;
  #adapter: string;
  #digest: string;
  #told: Told;
  #group = 0;
  /** The last group that this one was in. */
  #last = 0;
  #asked = 0;
  #waiting = new Map<number, Waiting>();
  #gathering: { resolve: (group: Group | undefined) => void; reject: (error: Error) => void } | undefined;
  #left: HostLeft | undefined;
  #meter = imageMeter();
  #heardAt = performance.now();
  #timer: ReturnType<typeof setInterval>;

  /** `digest` is that of the images here; `told` hears who is there. */
  constructor(link: Link, adapter: string, digest: string, told: Told) {
    this.#link = link;
    this.#adapter = adapter;
    this.#digest = digest;
    this.#told = told;
    link.receive(message => this.#take(message));
    this.#timer = setInterval(() => this.#pulse(), PULSE);
  }

  gather(needs: boolean): Promise<Group | undefined> {
    return new Promise((resolve, reject) => {
      if (this.#left) return reject(this.#left);
      this.#gathering = { resolve, reject };
      this.#send({ kind: 'ready', adapter: this.#adapter, digest: this.#digest, needs, after: this.#last });
    });
  }

  count(images: number): void {
    this.#meter.count(images);
  }

  rest(): void {
    this.#send({ kind: 'away' });
    this.#end(new GroupEnded());
    this.#gathering?.resolve(undefined);
    this.#gathering = undefined;
  }

  leave(): void {
    this.#lose(new HostLeft('this tab left those it trained with'));
    this.#link.close();
  }

  #send(message: FromMember, body?: Float32Array | Uint8Array): void {
    if (!this.#left) this.#link.send(encode(message, body));
  }

  /** No call of the group is answered any more. */
  #end(error: Error): void {
    this.#group = 0;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }

  #lose(error: HostLeft): void {
    if (this.#left) return;
    this.#left = error;
    clearInterval(this.#timer);
    this.#end(error);
    this.#gathering?.reject(error);
    this.#gathering = undefined;
    this.#told([], 0);
  }

  #take(message: ArrayBuffer | undefined): void {
    if (!message) {
      this.#lose(new HostLeft('the host is gone'));
      return;
    }
    this.#heardAt = performance.now();
    const { head, body } = decode<FromHost>(message);
    switch (head.kind) {
      case 'refused':
        this.#lose(new HostLeft(`the host let this tab go: ${head.why}`));
        this.#link.close();
        return;
      case 'who':
        this.#told(head.who, head.you);
        return;
      case 'ended':
        if (head.group === this.#group) this.#end(new GroupEnded());
        return;
      case 'group': {
        const { group, rank, size } = head;
        if (!this.#gathering) return; // it rests since
        this.#group = group;
        this.#last = group;
        const ask: Ask = (call, args, bytes) => this.#ask(group, call, args, bytes);
        this.#gathering.resolve({ exchange: askingExchange(ask, rank, size), ...(body.length && { checkpoint: body }) });
        this.#gathering = undefined;
        return;
      }
      case 'answer': {
        const waiting = this.#waiting.get(head.id);
        this.#waiting.delete(head.id);
        waiting?.resolve({ value: head.value, body });
      }
    }
  }

  #ask(group: number, ...[call, args, body]: Parameters<Ask>): ReturnType<Ask> {
    return new Promise((resolve, reject) => {
      if (group !== this.#group) return reject(this.#left ?? new GroupEnded());
      const id = this.#asked++;
      this.#waiting.set(id, { resolve, reject });
      this.#send({ kind: 'ask', group, id, call, args }, body);
    });
  }

  #pulse(): void {
    this.#send({ kind: 'pulse', imagesPerSecond: this.#meter.rate() });
    if (performance.now() - this.#heardAt <= SILENCE) return;
    this.#lose(new HostLeft(`the host has given no sign for ${SILENCE / 1000} s`));
    this.#link.close();
  }
}
