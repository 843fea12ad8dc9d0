/** Training one net in several tabs or machines: who shares a run and how others find it, who joins one, and who is there. */
import { check } from '../../../engine/check.ts';
import type { Link } from '../../../train/distribute/channels/message.ts';
import { methods, SELDOM, type MethodName } from '../../../train/distribute/methods.ts';
import { SpecField } from '../../form/spec-field.ts';
import type { Choice } from '../../form/choices.ts';
import { field } from '../../form/field.ts';
import { hello, welcome, type Shared } from '../../together/greeting.ts';
import { addressOf, codeOf } from '../../together/address.ts';
import { portOf } from '../../together/parts.ts';
import { isOffer, makeAnswer, makeOffer, type Offer } from '../../together/peer.ts';
import { askRoom, openRoom, relayAt } from '../../together/relay.ts';
import { button, el, notice, told } from '../dom.ts';
import type { Run } from '../runs.ts';
import { WhoTable } from './who-table.ts';

/** What the screen that trains does for this one. */
export interface Trains {
  configured(): Shared;
  begin(shared: Shared, ready?: (run: Run) => Promise<void>): Promise<Run | undefined>;
  draw(): void;
}

const choosing: Choice = {
  names: SELDOM,
  explain: name => methods[name as MethodName],
  options: name => methods[name as MethodName].options,
};

/** A run that others train with, or that this tab joined. */
interface Company {
  readonly shared: Shared;
  readonly isHost: boolean;
  readonly links: Link[];
  /** What to open to join. */
  address?: string;
  closeRoom?: () => void;
  /** Passed on by hand, until it is answered. */
  offer?: Offer | undefined;
  hasBegun: boolean;
}

export class TogetherView {
  readonly element: HTMLElement;
  #trains: Trains;
  #method = 'easgd';
  #companies = new Map<Run, Company>();
  #shown: Run | undefined;
  #code = el('input', { type: 'text', autocomplete: 'off', spellcheck: false, placeholder: 'link or offer' });
  #stun = el('input', { type: 'text', autocomplete: 'off', spellcheck: false, placeholder: 'none' });
  #idle: HTMLElement;
  #company: HTMLElement;
  #hosting: HTMLElement;
  #address = readOnly('Link to pass on');
  #addressPart = el('div', { class: 'passed', hidden: true }, this.#address, copies(this.#address));
  #offer = readOnly('Offer to pass on');
  #answer = el('textarea', { rows: 2, 'aria-label': 'Answer that came back', placeholder: 'the answer that came back', spellcheck: false });
  #offerPart: HTMLElement;
  #ownAnswer = readOnly('Answer to send back');
  #ownAnswerPart = el(
    'div',
    { hidden: true },
    el('p', { textContent: 'Send this answer back to the host; training begins once it is accepted there.' }),
    el('div', { class: 'passed' }, this.#ownAnswer, copies(this.#ownAnswer)),
  );
  #who = new WhoTable();
  #leave = button('Leave', () => told(() => this.#part()));

  constructor(trains: Trains) {
    this.#trains = trains;
    const accept = button('Accept the answer', () => told(() => this.#accept()));
    this.#offerPart = el(
      'div',
      { hidden: true },
      el('p', { textContent: 'Pass this offer on; who joins with it gets an answer to send back. An offer is for one.' }),
      el('div', { class: 'passed' }, this.#offer, copies(this.#offer)),
      el('div', { class: 'passed' }, this.#answer, accept),
    );
    this.#hosting = el(
      'div',
      {},
      this.#addressPart,
      button('Invite by text', () => told(() => this.#invite())),
      this.#offerPart,
    );
    const join = () => told(() => this.join(this.#code.value.trim()));
    this.#code.onkeydown = event => {
      if (event.key === 'Enter') void join();
    };
    this.#idle = el(
      'div',
      { class: 'two' },
      el(
        'div',
        {},
        new SpecField('Method', choosing, this.#method, text => (this.#method = text ?? this.#method)).element,
        button('Share a new run', () => told(() => this.#host()), { title: 'Starts what the form says, for others to join' }),
      ),
      el(
        'div',
        {},
        field('Join', this.#code, { about: 'A link to a run that another tab shares, or the text of an offer.' }),
        button('Join', join),
        field('STUN server', this.#stun, { about: 'As stun:host:port, where routers lie between the machines; none is asked without it.' }),
        this.#ownAnswerPart,
      ),
    );
    this.#company = el('div', { hidden: true }, this.#hosting, this.#who.element, el('div', { class: 'row apart' }, this.#leave));
    this.element = el(
      'div',
      {},
      el('p', {
        class: 'hint',
        textContent:
          'Several tabs or machines train one net and exchange weights every few steps, straight from browser to browser. Each loads the ' +
          'images itself. Who leaves is let go, who joins begins from what the others have come to.',
      }),
      this.#idle,
      this.#company,
    );
  }

  /** Shows the company of the run that is selected. */
  show(run: Run | undefined): void {
    this.#shown = run;
    for (const [of, company] of this.#companies) {
      company.hasBegun ||= of.who.length > 0;
      if (company.hasBegun && !of.who.length) this.#end(of);
    }
    const company = run && this.#companies.get(run);
    this.#idle.hidden = company !== undefined;
    this.#company.hidden = company === undefined;
    if (!run || !company) return;
    this.#hosting.hidden = !company.isHost;
    this.#addressPart.hidden = company.address === undefined;
    this.#address.value = company.address ?? '';
    this.#offerPart.hidden = company.offer === undefined;
    this.#offer.value = company.offer?.text ?? '';
    this.#leave.textContent = company.isHost ? 'Stop sharing' : 'Leave';
    this.#who.show(run.who, run.own);
  }

  /** Joins by a link, the name of a room, or an offer. */
  async join(given: string, stun = this.#stun.value.trim()): Promise<void> {
    const { code, stun: named } = codeOf(given, stun);
    this.#code.value = given;
    this.#stun.value = named;
    notice('Looking for the other tab …', 'info');
    const link = await this.#meet(code, named).finally(() => (this.#ownAnswerPart.hidden = true));
    const shared = await hello(link);
    const company: Company = { shared, isHost: false, links: [link], hasBegun: false };
    try {
      const run = await this.#trains.begin(shared, async run => {
        this.#companies.set(run, company);
        run.parting.push(() => this.#end(run));
        await run.engine.call('join', portOf(link));
      });
      if (!run) link.close();
      else notice('');
    } catch (error) {
      link.close();
      throw error;
    }
    this.#trains.draw();
  }

  async #meet(code: string, stun: string): Promise<Link> {
    if (isOffer(code)) {
      const { text, link } = await makeAnswer(code, stun);
      this.#ownAnswer.value = text;
      this.#ownAnswerPart.hidden = false;
      notice('Send the answer below back to the host.', 'info');
      return link;
    }
    const offer = await makeOffer(stun);
    return offer.accept(await askRoom(document.baseURI, code, offer.text));
  }

  async #host(): Promise<void> {
    const shared = this.#trains.configured();
    const config = { ...shared.config, distribute: this.#method };
    const stun = this.#stun.value.trim();
    const company: Company = { shared: { ...shared, config }, isHost: true, links: [], hasBegun: false };
    const run = await this.#trains.begin(company.shared, async run => {
      this.#companies.set(run, company);
      run.parting.push(() => this.#end(run));
    });
    if (!run) return;
    const { shares, addresses } = await relayAt(document.baseURI);
    if (shares) {
      const answer = async (offer: string) => {
        const { text, link } = await makeAnswer(offer, stun, 30_000);
        void told(async () => this.#admit(run, company, await link));
        return text;
      };
      const { room, close } = openRoom(document.baseURI, answer, error => notice(error.message));
      company.closeRoom = close;
      const local = ['localhost', '127.0.0.1', '[::1]'].includes(location.hostname);
      company.address = addressOf(local && addresses[0] ? addresses[0] : location.href, room, stun);
    }
    this.#trains.draw();
  }

  /** Lets in who has come. */
  async #admit(run: Run, company: Company, link: Link): Promise<void> {
    await welcome(link, () => {
      check(this.#companies.get(run) === company, 'the run is over', 'ask for another link');
      return company.shared;
    });
    const id = 1 + company.links.push(link); // the host is 1
    await run.engine.call('admit', id, portOf(link));
  }

  async #invite(): Promise<void> {
    const company = this.#shown && this.#companies.get(this.#shown);
    if (!company) return;
    company.offer?.close();
    company.offer = await makeOffer(this.#stun.value.trim());
    this.#answer.value = '';
    this.#trains.draw();
  }

  async #accept(): Promise<void> {
    const run = this.#shown;
    const company = run && this.#companies.get(run);
    if (!company?.offer) return;
    const link = await company.offer.accept(this.#answer.value);
    company.offer = undefined;
    this.#trains.draw();
    await this.#admit(run!, company, link);
  }

  async #part(): Promise<void> {
    const run = this.#shown;
    if (!run || !this.#companies.has(run)) return;
    await run.engine.call('leave');
    this.#end(run);
    this.#trains.draw();
  }

  /** The run is one of this tab alone, or none any more. */
  #end(run: Run): void {
    const company = this.#companies.get(run);
    this.#companies.delete(run);
    company?.closeRoom?.();
    company?.offer?.close();
    for (const link of company?.links ?? []) link.close();
  }
}

function readOnly(label: string): HTMLTextAreaElement {
  const e = el('textarea', { rows: 2, readOnly: true, 'aria-label': label, spellcheck: false });
  e.onfocus = () => e.select();
  return e;
}

const copies = (from: HTMLTextAreaElement): HTMLButtonElement =>
  button('Copy', () =>
    told(async () => {
      from.select();
      await navigator.clipboard?.writeText(from.value).catch(() => undefined);
    }),
  );
