/** The search field: the query language, with suggestions for the term that is being written. */

import { useEffect, useRef, useState } from "preact/hooks";
import { useKeys } from "../base/keys.ts";
import { Icon } from "../base/icon.tsx";
import { go, place } from "../base/place.ts";
import { known, learn } from "./known.ts";
import { suggestions, type Suggestion } from "./terms.ts";

const PAUSE = 250; // milliseconds without a key, after which the list follows

export function Search() {
  const asked = place.value.view === "mail" ? (place.value.query["q"] ?? "") : "";
  const [text, setText] = useState(asked);
  const [offered, setOffered] = useState<readonly Suggestion[]>([]);
  const [chosen, setChosen] = useState(-1);
  const field = useRef<HTMLInputElement>(null);
  const timer = useRef(0);

  useEffect(() => {
    if (document.activeElement !== field.current) setText(asked);
  }, [asked]);

  const run = (query: string): void => {
    clearTimeout(timer.current);
    const clean = query.trim();
    if (clean === asked && place.peek().view === "mail") return;
    go({ view: "mail", query: clean ? { q: clean } : {} }, { replace: place.peek().view === "mail" && asked !== "" });
  };
  const suggest = (): void => {
    const input = field.current;
    if (!input) return;
    setOffered(suggestions(input.value, input.selectionStart ?? input.value.length, known(), today()));
    setChosen(-1);
  };
  const write = (value: string): void => {
    setText(value);
    clearTimeout(timer.current);
    // A term without its value yet would find nothing, or be an error.
    if (!/:$/.test(value)) timer.current = window.setTimeout(() => run(value), PAUSE);
  };
  const take = (suggestion: Suggestion): void => {
    write(suggestion.query);
    const input = field.current;
    if (!input) return;
    input.value = suggestion.query;
    input.setSelectionRange(suggestion.caret, suggestion.caret);
    suggest();
  };
  const pressed = (event: KeyboardEvent): void => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (offered.length === 0) return;
      event.preventDefault();
      const by = event.key === "ArrowDown" ? 1 : -1;
      setChosen((chosen + by + offered.length + (chosen < 0 && by < 0 ? 1 : 0)) % offered.length);
    } else if (event.key === "Enter" || event.key === "Tab") {
      const suggestion = offered[chosen];
      if (suggestion) {
        event.preventDefault();
        take(suggestion);
      } else if (event.key === "Enter") {
        run(text);
        setOffered([]);
        field.current?.blur();
      }
    } else if (event.key === "Escape") {
      event.preventDefault();
      if (offered.length) setOffered([]);
      else field.current?.blur();
    }
  };
  useKeys([
    {
      keys: ["/"],
      does: "Search",
      group: "Everywhere",
      act: () => {
        field.current?.focus();
        field.current?.select();
      },
    },
  ]);

  return (
    <form
      class="search"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        run(text);
      }}
    >
      <Icon name="search" />
      <input
        ref={field}
        value={text}
        type="text"
        role="combobox"
        aria-label="Search messages"
        aria-expanded={offered.length > 0}
        aria-controls="suggestions"
        aria-autocomplete="list"
        aria-activedescendant={chosen >= 0 ? `suggestion-${chosen}` : undefined}
        placeholder="Search: words, from:, subject:, is:unread …"
        spellcheck={false}
        autocomplete="off"
        autocapitalize="off"
        data-test="search"
        onInput={(event) => {
          write(event.currentTarget.value);
          suggest();
        }}
        onFocus={() => {
          void learn();
          suggest();
        }}
        onClick={suggest}
        onBlur={() => setOffered([])}
        onKeyDown={pressed}
      />
      {text ? (
        <button
          type="button"
          class="clear"
          aria-label="Clear the search"
          data-test="search-clear"
          onClick={() => {
            setText("");
            run("");
          }}
        >
          <Icon name="close" size={14} />
        </button>
      ) : (
        <kbd aria-hidden="true">/</kbd>
      )}
      <ul id="suggestions" role="listbox" aria-label="Suggestions" class={offered.length ? "suggestions" : "hidden"}>
        {offered.map((suggestion, index) => (
          <li
            key={suggestion.text}
            id={`suggestion-${index}`}
            role="option"
            aria-selected={index === chosen}
            data-test="suggestion"
            onMouseDown={(event) => {
              event.preventDefault(); // the field keeps the focus
              take(suggestion);
            }}
          >
            <code>{suggestion.text}</code>
            <span>{suggestion.hint}</span>
          </li>
        ))}
      </ul>
    </form>
  );
}

function today(): string {
  const now = new Date();
  return `${now.getFullYear()}-${String(now.getMonth() + 1).padStart(2, "0")}-${String(now.getDate()).padStart(2, "0")}`;
}
